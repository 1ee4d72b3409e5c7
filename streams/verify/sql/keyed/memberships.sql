-- Memberships: who is on which list, each recipient's last word by time.
--
--   events      + +        -   -     +          + subscribed, - unsubscribed
--   concluded   joined     left      joined     the same word again changes nothing
insert into fact by name
select topic, part, case type when 'subscribed' then 'subscriber_joined' else 'subscriber_left' end
        as type,
    ts, off as known_off, off as dimensions_off
from taken
qualify coalesce(taken.type <> lag(taken.type)
    over (partition by topic, part, identity order by ts, off), true);
