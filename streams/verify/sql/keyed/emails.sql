-- E-mails: what came of each message, in the pane of its sending.
--
--   sent --- delivered ------- opened -- opened - clicked ------- purchase
--     |<- told here: delivered, opened once, clicked once, bought      | email_window_ms
--
-- A delivery without a sending of its recipient and campaign in the window before it is a message
-- of its own. What follows belongs to the latest message at or before it, by (ts, offset), of its
-- recipient and campaign (where it names none, of any; a purchase, of whomever) in the window.
create or replace temp table response as
select *, nullif(campaign, '') as of_campaign from taken where type <> 'email_sent';

create or replace temp table sending as
select topic, part, identity, ts, off, recipient_id, nullif(campaign, '') as of_campaign
from taken where type = 'email_sent';

create or replace temp table delivery as
select d.topic, d.part, d.identity, d.ts, d.off, d.recipient_id, d.of_campaign,
    arg_max(s.off, (s.ts, s.off)) as sent_off
from response d left join sending s
  on s.topic = d.topic and s.part = d.part and s.identity = d.identity
 and s.recipient_id = d.recipient_id and s.of_campaign is not distinct from d.of_campaign
 and (s.ts, s.off) <= (d.ts, d.off) and d.ts < s.ts + getvariable('email_window_ms')
where d.type = 'email_delivered'
group by all;

create or replace temp table message as
select * from sending
union all by name
select * exclude (sent_off) from delivery where sent_off is null;

insert into fact by name
with answered as (
    select r.topic, r.part, r.type, r.off as heard_off, arg_max(m.off, (m.ts, m.off)) as off
    from response r join message m
      on m.topic = r.topic and m.part = r.part and m.identity = r.identity
     and (m.ts, m.off) <= (r.ts, r.off) and r.ts < m.ts + getvariable('email_window_ms')
     and (r.type = 'purchase'
          or m.recipient_id = r.recipient_id
             and (r.of_campaign is null or r.of_campaign is not distinct from m.of_campaign))
    where r.type <> 'email_delivered'
    group by r.topic, r.part, r.type, r.off
), heard as (
    select topic, part, coalesce(sent_off, off) as off, 'send_delivered' as type,
        min(off) as heard_off
    from delivery group by all
    union all by name
    select topic, part, off, min(heard_off) as heard_off,
        case type when 'email_opened' then 'send_opened' when 'email_clicked' then 'send_clicked'
             else 'send_purchased' end as type
    from answered group by all
), arrived as (
    select topic, part, off, heard_off as arrived_off from heard where type = 'send_delivered'
)
select topic, part, type, m.ts, greatest(off, heard_off, arrived_off) as known_off,
    off as dimensions_off
from heard join arrived using (topic, part, off) join message m using (topic, part, off);
