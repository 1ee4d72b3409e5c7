-- Attribution: which touches a purchase is owed to.
--
--   touches     click A      visit B             click A            (8 days later)
--   purchases                          100                  50         70
--   last                               B: 100               A: 50      -
--   linear                             A: 50, B: 50         A: 16.67, B: 16.67, A: 16.66
--
-- A touch is each click; and of a visitor's events that name one campaign (without one: one source
-- and a social medium) less than session_gap_ms apart, clicks among them, the first, if it is no
-- click. A purchase is owed to touches at or before it, by (ts, offset), of the look-back. A refund
-- is taken off the touches of the latest purchase of its order, at or before it, that has any.
create or replace temp table touch as
with response as (
    select *, type = 'ad_click' as click,
        coalesce(nullif(campaign, ''),
            chr(31) || coalesce(source, '') || chr(31) || coalesce(medium, '')) as responded
    from taken
    where type <> 'refund' and (type = 'ad_click' or campaign <> ''
       or coalesce(list_contains(getvariable('social_mediums'), medium), false))
), marked as (
    select *, coalesce(ts - lag(ts) over (partition by topic, part, identity, responded
                                          order by ts, off)
                       >= getvariable('session_gap_ms'), true) as begins
    from response
)
select topic, part, identity, ts, off, case when click then 'click' else 'visit' end as touch
from marked
where click or begins;

create or replace temp table credit as
with owed as (
    select t.topic, t.part, t.identity, p.order_id, t.off as touch_off, t.ts as touch_ms, t.touch,
        p.off as bought_off, p.ts as bought_ms, p.micro, p.currency,
        row_number() over bought as number, count(*) over whole as shares
    from taken p join touch t
      on t.topic = p.topic and t.part = p.part and t.identity = p.identity
     and t.ts >= p.ts - getvariable('attribution_lookback_ms') and (t.ts, t.off) <= (p.ts, p.off)
    where p.type = 'purchase'
    window bought as (partition by p.topic, p.part, p.off order by t.ts, t.off),
        whole as (partition by p.topic, p.part, p.off)
)
select * exclude (number, shares, micro),
    case getvariable('attribution_model')
        when 'linear' then micro // shares + case when number <= micro % shares then 1 else 0 end
        else micro end as micro
from owed
where case getvariable('attribution_model')
    when 'last' then number = shares when 'first' then number = 1 else true end;

insert into fact by name
with converted as (
    select topic, part, touch_off, touch, min(bought_ms) as ts,
        first(bought_off order by bought_ms, bought_off) as bought_off
    from credit group by topic, part, touch_off, touch
)
select topic, part, 'touch_made' as type, ts, off as known_off, off as dimensions_off, touch
from touch
union all by name
select topic, part, 'touch_converted' as type, ts, greatest(touch_off, bought_off) as known_off,
    touch_off as dimensions_off, touch
from converted
union all by name
select topic, part, 'purchase_attributed' as type, bought_ms as ts,
    greatest(touch_off, bought_off) as known_off, touch_off as dimensions_off, touch, currency,
    micro
from credit;

insert into fact by name
with candidate as (
    select r.topic, r.part, r.off as refund_off, r.ts as refund_ms, r.micro, r.currency,
        c.bought_ms, c.bought_off, c.touch_ms, c.touch_off, c.touch
    from taken r join credit c
      on c.topic = r.topic and c.part = r.part and c.identity = r.identity
     and c.order_id = r.order_id and (c.bought_ms, c.bought_off) <= (r.ts, r.off)
     and r.ts - c.bought_ms < getvariable('refund_horizon_ms')
    where r.type = 'refund'
), latest as (
    select * from candidate
    qualify dense_rank() over (partition by topic, part, refund_off
                               order by bought_ms desc, bought_off desc) = 1
), shared as (
    select *,
        row_number() over (partition by topic, part, refund_off order by touch_ms, touch_off)
            as number,
        count(*) over (partition by topic, part, refund_off) as shares
    from latest
)
select topic, part, 'refund_attributed' as type, refund_ms as ts,
    greatest(touch_off, bought_off, refund_off) as known_off, touch_off as dimensions_off, touch,
    currency, micro // shares + case when number <= micro % shares then 1 else 0 end as micro
from shared;
