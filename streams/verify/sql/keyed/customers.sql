-- Customers: the first purchase ever of each, and what they spent soon after it.
--
--   purchases   first ---- 10 ---- refund 5 ---- 20 |                 70
--               |<------ customer_cohort_ms ------->|
--               joined; 10 - 5 + 20 in its pane             70: spent, each in its own pane
--
-- A customer's purchases lie in any partition, so event ids, not offsets, order those of one time.
-- Of a customer's payments the first 1,000 may be the cohort's: more are everybody's.
-- The budget of labels is the internal topic's partition's, which cannot be told from here: each
-- customer has one of its own, so labels beyond a budget would differ.
create or replace temp table payment as
select *, hash(identity) % 1000000000 as home,
    case type when 'refund' then -micro else micro end as paid,
    row_number() over (partition by identity order by ts, event_id, paid, currency) as place
from taken;

create or replace temp table joining as
select identity, min(ts) as joined_ms, first(topic order by ts, event_id) as topic,
    first(part order by ts, event_id) as part, first(off order by ts, event_id) as off,
    first(home) as home
from payment
where type = 'purchase'
group by identity;

insert into fact by name
select topic, part, 'customer_joined' as type, joined_ms as ts, off as known_off,
    off as dimensions_off, home
from joining
union all by name
select topic, part, 'customer_spent' as type, ts, off as known_off, off as dimensions_off, home,
    paid as micro, currency
from payment
union all by name
select j.topic, j.part, 'customer_cohort_spent' as type, joined_ms as ts, j.off as known_off,
    j.off as dimensions_off, j.home, paid as micro, currency
from joining j join payment p using (identity)
where p.place <= 1000 and p.ts >= joined_ms and p.ts < joined_ms + getvariable('customer_cohort_ms');
