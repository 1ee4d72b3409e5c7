-- What one kind takes: its types, with an identity, not too far behind the watermark.
create or replace temp table taken as
with candidate as (
    select topic, part, off, ts, type, micro $reads, $identity as identity,
        coalesce(ts < watermark_ms - getvariable('$lateness'), false) as late
    from accepted
    where type in ($types)
)
select * from candidate where identity is not null;

insert into refused select topic, part, off from taken where late;
delete from taken where late;
