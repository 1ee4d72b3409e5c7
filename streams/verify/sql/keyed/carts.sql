-- Carts: runs of cart activity that end in a purchase or time out.
--
--   activity   a  a r     p        p   a   c                     a
--   carts      |----------| none --^   |---|---- timeout ---->x  |--
--                         purchased                        abandoned
--
-- A cart opens at the first activity after a purchase, after a timeout, or ever. A purchase
-- without an open cart concludes nothing. Facts carry the opening event's dimensions.
create or replace temp table cart_event as
select *,
    case type when 'add_to_cart' then micro when 'remove_from_cart' then -micro else 0 end as adds
from taken;

create or replace temp table cart as
with marked as (
    select *, coalesce(
        lag(type) over run = 'purchase'
        or ts - lag(ts) over run >= getvariable('cart_timeout_ms'), true) as opens
    from cart_event
    window run as (partition by topic, part, identity order by ts, off)
), numbered as (
    select *, count_if(opens) over (partition by topic, part, identity order by ts, off) as number
    from marked
), folded as (
    select topic, part, identity, number, count(*) as events,
        max(ts) as last_ms, last(type order by ts, off) = 'purchase' as purchased,
        greatest(sum(adds), 0) as micro,
        first(off order by ts, off) as first_off, max(off) as known_off
    from numbered
    group by topic, part, identity, number
)
select * from folded join closing using (topic, part);

insert into fact by name
with outcome as (
    select *, last_ms as ts, null as due_ms from cart where purchased and events > 1
    union all by name
    select *, last_ms + getvariable('cart_timeout_ms') as ts, ts as due_ms
    from cart
    where not purchased and last_ms + getvariable('cart_timeout_ms') <= watermark_ms
), emitted as (
    select *, case when purchased then 'cart_purchased' else 'cart_abandoned' end as type
    from outcome
    union all by name
    select *, 'cart_closed' as type from outcome
)
select topic, part, type, ts, due_ms, known_off, first_off as dimensions_off,
    case when purchased then 0 else micro end as micro
from emitted;
