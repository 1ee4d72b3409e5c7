-- The published events of one type as rows to count, in offset order.
create or replace temp table counted as
select topic, part, ts, null::bigint as duration_ms, micro, 1 as weight, false as gone, off as sequence
    $fields
from accepted
where type = '$type';
