-- Whose session and cart a purchase belongs to that only a backend knew of.
--
--   identify      v1 ----------- v2                         v3
--   purchases        p1 (v1)        p2 (v2)      p0 held --^ within the gap: v3
--
-- A purchase is owed to the visitor of the latest link at or before it, else of the earliest after
-- it by at most session_gap_ms, of the latest 8 links of its customer that were read before it and
-- are younger than the visitor_horizon. Where there is none, to the first that is read after it and
-- is at most a gap later, while the purchase is held: session_gap_ms + keyed_lateness_ms behind the
-- watermark, among the latest 100 that found none.
--
-- The order is that of the log of tracking.customer; what happened is told by the visitors' events.
create or replace temp table told as
with spoken as (
    select p.part, p.off, p.pos, a.ts, a.type, a.event_id, a.customer_id, a.visitor_id,
        a.part as of_part, a.off as of_off
    from passed p join accepted a
      on p.origin = concat(a.topic, '/', a.part) and p.of_off = a.off // 1024
    where p.topic = 'tracking.customer'
    union all by name
    select part, off, 0 as pos, cast(body ->> '$$.ts' as bigint) as ts, '_tick' as type
    from record
    where topic = 'tracking.customer' and json_valid(body) and body ->> '$$.type' = '_tick'
)
select *, row_number() over (order by part, off, pos) as seq,
    coalesce(max(ts) over (partition by part order by off, pos
                           rows between unbounded preceding and 1 preceding)
             - getvariable('allowed_lateness_ms'), -(1::bigint << 61)) as watermark_ms
from spoken;

create or replace temp table link as
select * from told
where type = 'identify' and visitor_id <> '' and customer_id <> ''
  and ts + getvariable('visitor_horizon_ms') > watermark_ms;

create or replace temp table bought as
select * from told where type = 'purchase' and coalesce(visitor_id, '') = '';

create or replace temp table at_once as
with known as (
    select b.seq, b.ts as bought_ms, b.watermark_ms, l.visitor_id, (l.ts, l.event_id, l.seq) as place,
        l.ts as link_ms
    from bought b join link l on l.customer_id = b.customer_id and l.seq < b.seq
    qualify row_number() over (partition by b.seq order by l.ts desc, l.event_id desc, l.seq desc)
            <= 8
)
select seq, coalesce(
        arg_max(visitor_id, place) filter (link_ms <= bought_ms),
        arg_min(visitor_id, place) filter (
            link_ms > bought_ms and link_ms - bought_ms <= getvariable('session_gap_ms'))
    ) as visitor_id
from known
where link_ms + getvariable('visitor_horizon_ms') > watermark_ms
group by seq;

create or replace temp table waiting as
select bought.*, ts + getvariable('session_gap_ms') + getvariable('keyed_lateness_ms') as held_ms
from bought left join at_once using (seq)
where at_once.visitor_id is null and held_ms > watermark_ms;

create or replace temp table later as
with first as (
    select w.seq, w.customer_id, w.ts, w.event_id, w.held_ms, min(l.seq) as by_seq
    from waiting w join link l
      on l.customer_id = w.customer_id and l.seq > w.seq
     and l.ts - w.ts <= getvariable('session_gap_ms')
    group by all
), ranked as (
    select f.seq, f.by_seq, f.held_ms, count(q.seq) as newer
    from first f left join waiting q
      on q.customer_id = f.customer_id and q.seq < f.by_seq
     and (q.ts, q.event_id, q.seq) > (f.ts, f.event_id, f.seq)
    group by all
)
select r.seq, r.by_seq, l.visitor_id
from ranked r join link l on l.seq = r.by_seq
where r.held_ms > l.watermark_ms and r.newer < 100;

create or replace table owed as
with handed as (
    select seq, seq as by_seq, visitor_id from at_once where visitor_id is not null
    union all by name
    select * from later
)
select h.visitor_id, b.of_part, b.of_off, concat('tracking.customer/', t.part) as origin,
    t.off as at_off,
    row_number() over (partition by t.part, t.off order by t.pos, b.ts, b.event_id, b.seq) - 1
        as number
from handed h join bought b using (seq) join told t on t.seq = h.by_seq
where $wanted;

-- What must have been passed on to customers, and was not.
create or replace table unpassed as
select * from accepted a
where $wanted and topic = 'tracking.visitor' and customer_id <> ''
  and case type when 'purchase' then coalesce(visitor_id, '') = ''
                when 'identify' then visitor_id <> '' else false end
  and not exists (from told where of_part = a.part and told.of_off = a.off);

insert into accepted by name
with clock as (
    select topic, part, off, max(ts) over (partition by topic, part order by off) as highest_ms
    from heard
), arrived as (
    select p.topic, p.part, p.off, p.pos, o.visitor_id, o.of_part, o.of_off
    from owed o join passed p
      on p.origin = o.origin and p.of_off = o.at_off and p.of_number = o.number
    where p.topic = 'tracking.visitor'
)
select v.topic, v.part, v.off * 1024 + v.pos as off, v.visitor_id, '_purchase_linked' as type,
    a.ts, a.event_id, a.customer_id, a.session_id, a.source, a.medium, a.campaign, a.device,
    a.country, a.currency, a.order_id, a.cart_id, a.micro, false as tick,
    c.highest_ms - getvariable('allowed_lateness_ms') as watermark_ms
from arrived v
join accepted a on a.topic = v.topic and a.part = v.of_part and a.off = v.of_off
asof left join clock c on c.topic = v.topic and c.part = v.part and v.off > c.off;
