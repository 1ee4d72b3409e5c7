insert into base_member
select distinct $measure, $dimensions, labels, ts - ts % 10000 as base_ms, $member
from labelled
where $where and $member is not null;
