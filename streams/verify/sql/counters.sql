select 'events', count(*) from heard where not tick
union all
select 'ticks', count(*) from heard where tick
union all
select 'duplicates', count(*) from sifted where duplicate
union all
select 'late', count(*) from heard where late
union all
select 'excluded:' || traffic, count(*) from heard where excluded group by traffic
union all
select 'late_unkeyed', count(*) from (select distinct topic, part, off from refused)
union all
select 'linked', (select count(*) from owed) + (select count(*) from unpassed)
union all
select 'rejected:' || fault, count(*) from judged where fault is not null group by fault;
