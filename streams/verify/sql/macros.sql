-- Numbers and amounts as JSON and the contract have them.
create or replace temp macro is_number(kind) as
    kind in ('BIGINT', 'UBIGINT', 'HUGEINT', 'DOUBLE');

create or replace temp macro is_integer(kind, digits) as
    is_number(kind) and regexp_full_match(digits, '-?\d+');

-- A JSON number, or a string that spells one and nothing else: no blank, no underscore.
create or replace temp macro is_amount(kind, digits) as
    is_number(kind) or (kind = 'VARCHAR' and regexp_full_match(digits,
        '[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?'));

create or replace temp macro amount(digits) as try_cast(digits as decimal(38, 20));

-- At most 6 decimals, whatever zeros follow; digits that the cast would round are counted.
create or replace temp macro is_exact(digits) as
    case when regexp_matches(digits, '[eE]') then amount(digits) = round(amount(digits), 6)
         else length(regexp_extract(digits, '\.(\d*?)0*$$', 1)) <= 6 end;

create or replace temp macro is_sound(digits) as
    coalesce(amount(digits) >= 0 and amount(digits) < 1000000000 and is_exact(digits), false);

create or replace temp macro is_quantity(digits) as
    coalesce(try_cast(digits as hugeint) between 0 and 999999999, false);
