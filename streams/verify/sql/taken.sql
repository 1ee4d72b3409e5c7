-- What one kind takes: its types, with an identity, not too far behind the watermark. A purchase
-- that was handed over is one.
create or replace temp table taken as
with candidate as (
    select topic, part, off, ts, micro $reads, $identity as identity,
        case type when '_purchase_linked' then 'purchase' else type end as type,
        coalesce(ts < watermark_ms - getvariable('$lateness'), false) as late
    from accepted
    where accepted.type in ($types)
)
select * from candidate where identity is not null;

insert into refused select topic, part, off from taken where late;
delete from taken where late;
