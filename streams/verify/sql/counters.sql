select 'events', count(*) from accepted where not tick
union all
select 'ticks', count(*) from accepted where tick
union all
select 'duplicates', count(*) from sifted where duplicate
union all
select 'late', count(*) from accepted where not tick and ts < watermark_ms
union all
select 'late_unkeyed', count(*) from (select distinct topic, part, off from refused)
union all
select 'rejected:' || fault, count(*) from judged where fault is not null group by fault;
