insert into base_cell
select $measure, '', $dimensions, labels, ts - ts % 10000 as base_ms, sum(weight * ($amount))
from labelled
where $where
group by labels, base_ms;
