-- The elements of purchases' items: what each says, and what is wrong with it.
create or replace table item as
with element as (
    select topic, part, off, unnest(from_json(json_extract(body, '$$.items'), '["json"]')) as content,
        generate_subscripts(from_json(json_extract(body, '$$.items'), '["json"]'), 1) as number
    from parsed
    where is_object and json_extract_string(body, '$$.type') = 'purchase'
      and json_type(body, '$$.items') = 'ARRAY'
), field as (
    select *,
        json_extract_string(content, ['$$.product', '$$.category', '$$.quantity', '$$.price',
                                      '$$.unit_cost']) as texts,
        json_type(content, ['$$.product', '$$.category', '$$.quantity', '$$.price',
                            '$$.unit_cost']) as kinds
    from element
), judged as (
    select topic, part, off, number,
        texts[1] as product, texts[2] as category,
        case when kinds[3] is null then '1' else texts[3] end as quantity,
        texts[4] as price, texts[5] as unit_cost,
        json_type(content) <> 'OBJECT'
            or coalesce(kinds[1] not in ('VARCHAR', 'NULL'), false)
            or coalesce(kinds[2] not in ('VARCHAR', 'NULL'), false)
            or coalesce(not is_integer(kinds[3], texts[3]), false) as wrong_type,
        coalesce(kinds[4] <> 'NULL' and not is_amount(kinds[4], texts[4]), false)
            or coalesce(kinds[5] <> 'NULL' and not is_amount(kinds[5], texts[5]), false)
            as wrong_amount
    from field
)
select *,
    not is_quantity(quantity)
        or (price is not null and not is_sound(price))
        or (unit_cost is not null and not is_sound(unit_cost))
        or coalesce(amount(price) * try_cast(quantity as bigint) >= 1000000000, false)
        or coalesce(amount(unit_cost) * try_cast(quantity as bigint) >= 1000000000, false) as faulty
from judged;
