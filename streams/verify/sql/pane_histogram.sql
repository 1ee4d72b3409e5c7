-- A duration's bucket is the number of bounds that it has reached; negative ones fall in the first.
create or replace temp table timed as
select labels, weight, ts - ts % 10000 as base_ms, $amount as duration_ms,
    coalesce(bucket.number, 0) as number
from labelled asof left join bucket on labelled.$amount >= bucket.bound_ms
where $where;

insert into base_cell
select $measure, 'b' || number, $dimensions, labels, base_ms, sum(weight)
from timed group by labels, base_ms, number
union all
select $measure, 'sum', $dimensions, labels, base_ms, sum(weight * duration_ms)
from timed group by labels, base_ms;
