-- Fills the tables of schema.sql. The caller says how many customers first:
--     SET nova.customers = 50000;
-- Everything else follows from that number: brokers 1/2500 of it (at least ten), sales twice, payments,
-- appointments and interactions about as many, followups and commissions about half, properties a fifth,
-- and a snapshot for each broker and each day of the last year.
--
-- The rows are a function of the scale and of today's date, and of nothing else. random() is avoided, because
-- its generator differs between PostgreSQL versions: every draw is an integer hash of the row's number and a
-- salt. Dates count from today (UTC), so that "last 30 days" and "upcoming" keep finding rows; with today
-- subtracted they are always the same.
--
-- An id is md5('<kind>-<number>')::uuid::text, so a query can name a row without looking it up:
-- md5('user-7')::uuid::text is the seventh broker. The children of a sale are named after its id instead.
--
-- No transaction control here: the file may run statement by statement or as one simple query.

-- Without this, every row's foreign keys would be looked up one by one, which only costs time here. The
-- keys hold by construction. It needs superuser, hence a server of one's own.
SET session_replication_role = replica;

-- The planner cannot know that nova_scale is one row, and compiling each statement costs more than it saves.
SET jit = off;

CREATE TEMPORARY TABLE nova_scale AS
SELECT
    c.customers,
    greatest(10, c.customers / 2500) AS brokers,
    (now() AT TIME ZONE 'UTC')::DATE::TIMESTAMP AS today,
    -- Two years, in which the history of the whole application happens.
    730 * 86400000::BIGINT AS span_ms
FROM (SELECT current_setting('nova.customers')::INT AS customers) AS c;

-- SQL functions that PostgreSQL inlines, as long as an argument that is used more than once is a plain column.
-- That is why the queries below draw in a subquery and fence it with OFFSET 0.

-- Two rounds of xor-shift and multiply; 31 bits, the best of the 32. The factors keep every product within BIGINT,
-- which PostgreSQL does not let overflow. Written out, because nested functions would not be inlined.
CREATE OR REPLACE FUNCTION pg_temp.nova_hash(n BIGINT, salt BIGINT) RETURNS BIGINT
LANGUAGE sql IMMUTABLE AS
'SELECT ((((
      ((((n * 2654435761 + salt * 97531) & 4294967295)
      # (((n * 2654435761 + salt * 97531) & 4294967295) >> 15)) * 1540483477) & 4294967295)
    # ((((((n * 2654435761 + salt * 97531) & 4294967295)
      # (((n * 2654435761 + salt * 97531) & 4294967295) >> 15)) * 1540483477) & 4294967295) >> 13)
    ) * 668265263) & 4294967295) >> 1';

-- A whole number from 0 to below, which it never reaches, all equally likely; below may be up to 2^32.
CREATE OR REPLACE FUNCTION pg_temp.nova_draw(n BIGINT, salt BIGINT, below BIGINT) RETURNS BIGINT
LANGUAGE sql IMMUTABLE AS
'SELECT (pg_temp.nova_hash(n, salt) * below) >> 31';

-- A 31-bit hash as a position in a list, the early ones likelier: the square of an even draw. Names.
CREATE OR REPLACE FUNCTION pg_temp.nova_early(h BIGINT, below BIGINT) RETURNS INT
LANGUAGE sql IMMUTABLE AS
'SELECT (1 + ((((h * h) >> 31) * below) >> 31))::INT';

-- The same with the cube, which is steeper: of 200 brokers the first owns 17 % and the first twenty 46 %.
CREATE OR REPLACE FUNCTION pg_temp.nova_broker(h BIGINT, brokers BIGINT) RETURNS INT
LANGUAGE sql IMMUTABLE AS
'SELECT (1 + ((((((h * h) >> 31) * h) >> 31) * brokers) >> 31))::INT';

CREATE OR REPLACE FUNCTION pg_temp.nova_id(kind TEXT, n BIGINT) RETURNS TEXT
LANGUAGE sql IMMUTABLE AS
'SELECT md5(kind || ''-'' || n::TEXT)::UUID::TEXT';

-- Seven customers of ten have an Arabic name. The lists are ordered, common names first.
CREATE OR REPLACE FUNCTION pg_temp.nova_name(script BIGINT, given BIGINT, family BIGINT) RETURNS TEXT
LANGUAGE sql IMMUTABLE AS
$$SELECT CASE
    WHEN script < 70 THEN
        (ARRAY[
            'محمد', 'أحمد', 'عبدالله', 'فاطمة', 'علي', 'خالد', 'سارة', 'عبدالرحمن', 'نورة', 'فهد',
            'مريم', 'يوسف', 'سعود', 'عائشة', 'سلطان', 'إبراهيم', 'هند', 'عمر', 'ريم', 'ناصر',
            'منى', 'تركي', 'ليلى', 'بندر', 'أمل', 'ماجد', 'هدى', 'فيصل', 'دانة', 'طلال',
            'لطيفة', 'حسن', 'جواهر', 'مشعل', 'شيخة', 'زياد', 'رنا', 'حمد', 'غادة', 'راشد'
        ])[pg_temp.nova_early(given, 40)]
        || ' ' ||
        (ARRAY[
            'العتيبي', 'الغامدي', 'القحطاني', 'الحربي', 'الدوسري', 'الشمري', 'الزهراني', 'المطيري', 'العنزي', 'السبيعي',
            'الشهري', 'المالكي', 'البقمي', 'الرشيدي', 'العمري', 'الجهني', 'السلمي', 'الثقفي', 'البلوي', 'العسيري',
            'الخالدي', 'الهاجري', 'المري', 'النعيمي', 'الكعبي', 'المنصوري', 'الشامسي', 'المزروعي', 'الظاهري', 'الكتبي',
            'السويدي', 'الفلاسي', 'المهيري', 'الحداد', 'النجار', 'الخطيب', 'المصري', 'الشريف', 'السيد', 'عثمان',
            'منصور', 'سليمان', 'حجازي', 'البكري', 'التميمي', 'الجابري', 'الحسيني', 'الراجحي', 'السديري', 'الصباح',
            'العجمي', 'الفارس', 'القرشي', 'الكندي', 'اللحيدان', 'المقرن', 'الهلالي', 'الوهيبي', 'اليامي', 'باوزير'
        ])[pg_temp.nova_early(family, 60)]
    ELSE
        (ARRAY[
            'Mohammed', 'Ahmed', 'Sara', 'Omar', 'Fatima', 'Khalid', 'Maria', 'Ali', 'John', 'Layla',
            'Yousef', 'Anna', 'Imran', 'Priya', 'David', 'Noor', 'Elena', 'Hassan', 'James', 'Aisha',
            'Rahul', 'Sofia', 'Peter', 'Zain', 'Grace', 'Tariq', 'Emma', 'Bilal', 'Chloe', 'Viktor'
        ])[pg_temp.nova_early(given, 30)]
        || ' ' ||
        (ARRAY[
            'Khan', 'Al-Ghamdi', 'Smith', 'Hussain', 'Al-Otaibi', 'Sharma', 'Ahmed', 'Santos', 'Haddad', 'Ali',
            'Malik', 'Brown', 'Al-Harbi', 'Nair', 'Mansour', 'Jones', 'Reyes', 'Qureshi', 'Petrov', 'Khoury',
            'Al-Mansoori', 'Patel', 'Müller', 'Siddiqui', 'Farouk', 'Garcia', 'Dubois', 'Iqbal', 'Ivanova', 'O''Brien'
        ])[pg_temp.nova_early(family, 30)]
END$$;

CREATE OR REPLACE FUNCTION pg_temp.nova_place(h BIGINT) RETURNS TEXT
LANGUAGE sql IMMUTABLE AS
$$SELECT (ARRAY[
    'حي الملقا، الرياض', 'حي النرجس، الرياض', 'حي الياسمين، الرياض', 'حي الروضة، جدة', 'حي الشاطئ، جدة',
    'حي العليا، الرياض', 'Dubai Marina', 'حي الحمراء، الدمام', 'حي السلامة، جدة', 'Business Bay, Dubai',
    'حي قرطبة، الرياض', 'حي العزيزية، مكة', 'Jumeirah, Dubai', 'الكورنيش، الخبر', 'حي العقيق، الرياض',
    'Al Reem Island, Abu Dhabi', 'حي المروج، الرياض', 'التجمع الخامس، القاهرة', 'حي الفيصلية، الدمام', 'West Bay, Doha'
])[pg_temp.nova_early(h, 20)]$$;

-- Brokers first, then the office: managers and an administrator or two, who own no customers.
INSERT INTO users (id, email, password, name, phone, role, status, last_login_at, created_at, updated_at)
SELECT
    pg_temp.nova_id('user', i),
    'user' || i || '@nova.example.com',
    '$2b$10$' || md5('password-' || i) || left(md5('salt-' || i), 21),
    pg_temp.nova_name(script, given, family),
    '+9665' || lpad(phone::TEXT, 8, '0'),
    CASE WHEN i <= brokers THEN 'broker' WHEN i <= brokers + 2 THEN 'admin' ELSE 'manager' END,
    CASE WHEN state < 88 OR i <= 10 THEN 'active' WHEN state < 96 THEN 'inactive' ELSE 'suspended' END,
    today - login_minutes * INTERVAL '1 minute',
    today - span_ms * INTERVAL '1 millisecond' - joined_minutes * INTERVAL '1 minute',
    today - login_minutes * INTERVAL '1 minute'
FROM (
    SELECT
        i, brokers, today, span_ms,
        pg_temp.nova_draw(i, 101, 100) AS script,
        pg_temp.nova_hash(i, 102) AS given,
        pg_temp.nova_hash(i, 103) AS family,
        pg_temp.nova_draw(i, 104, 100000000) AS phone,
        pg_temp.nova_draw(i, 105, 100) AS state,
        pg_temp.nova_draw(i, 106, 30 * 1440) AS login_minutes,
        pg_temp.nova_draw(i, 107, 365 * 1440) AS joined_minutes
    FROM nova_scale, generate_series(1, brokers + 2 + brokers / 20) AS i
    OFFSET 0
) AS drawn;

-- Customers arrive in the order of their numbers, one somewhere in each equal slice of the span, as they would
-- in a table that grows: created_at follows the physical order, and the owner does not.
INSERT INTO customers (
    id, user_id, name, phone, email, status, source, budget, last_contacted_at, created_at, updated_at
)
SELECT
    pg_temp.nova_id('customer', i),
    pg_temp.nova_id('user', pg_temp.nova_broker(owner, brokers)),
    pg_temp.nova_name(script, given, family),
    CASE WHEN country < 80 THEN '+9665' WHEN country < 93 THEN '+9715' ELSE '+2010' END
        || lpad(phone::TEXT, 8, '0'),
    CASE WHEN contact < 60 THEN 'customer' || i || '@example.com' END,
    CASE
        WHEN state < 44 THEN 'lead'
        WHEN state < 66 THEN 'contacted'
        WHEN state < 79 THEN 'qualified'
        WHEN state < 85 THEN 'negotiation'
        WHEN state < 94 THEN 'closed'
        ELSE 'lost'
    END,
    CASE
        WHEN origin < 34 THEN 'website'
        WHEN origin < 58 THEN 'whatsapp'
        WHEN origin < 74 THEN 'referral'
        WHEN origin < 86 THEN 'instagram'
        WHEN origin < 94 THEN 'walk_in'
    END,
    CASE WHEN money < 750 THEN (200 + money * money / 60) * 1000 END,
    CASE WHEN state >= 30 THEN born + (today - born) * (activity / 1000.0) END,
    born,
    CASE WHEN state >= 30 THEN born + (today - born) * (activity / 1000.0) ELSE born END
FROM (
    SELECT
        i, brokers, today,
        today - (span_ms - span_ms * (i - 1) / customers - pg_temp.nova_draw(i, 200, least(86400000, span_ms / customers)))
            * INTERVAL '1 millisecond' AS born,
        pg_temp.nova_hash(i, 201) AS owner,
        pg_temp.nova_draw(i, 202, 100) AS script,
        pg_temp.nova_hash(i, 203) AS given,
        pg_temp.nova_hash(i, 204) AS family,
        pg_temp.nova_draw(i, 205, 100) AS country,
        pg_temp.nova_draw(i, 206, 100000000) AS phone,
        pg_temp.nova_draw(i, 207, 100) AS contact,
        pg_temp.nova_draw(i, 208, 100) AS state,
        pg_temp.nova_draw(i, 209, 100) AS origin,
        pg_temp.nova_draw(i, 210, 1000) AS money,
        pg_temp.nova_draw(i, 211, 1000) AS activity
    FROM nova_scale, generate_series(1, customers) AS i
    OFFSET 0
) AS drawn;

-- A sale is made to a customer who was there by then, and belongs to that customer's broker; the broker is
-- drawn again from the customer's number (salt 201), which spares a join and keeps the order of time.
-- One sale in fifty has lost its customer, as ON DELETE SET NULL leaves it.
INSERT INTO sales (id, user_id, customer_id, sale_amount, commission_amount, status, created_at, updated_at)
SELECT
    pg_temp.nova_id('sale', i),
    pg_temp.nova_id('user', pg_temp.nova_broker(owner, brokers)),
    CASE WHEN lost > 0 THEN pg_temp.nova_id('customer', customer) END,
    amount,
    CASE WHEN state < 83 THEN amount * rate / 1000 END,
    CASE
        WHEN state < 55 THEN 'completed'
        WHEN state < 83 THEN 'pending'
        WHEN state < 96 THEN 'cancelled'
        ELSE 'refunded'
    END,
    born,
    least(today, born + settled * INTERVAL '1 hour')
FROM (
    SELECT
        i, brokers, today, born, customer, lost, state, rate, settled,
        -- From 150,000 to 5 million, mostly near the lower end.
        150000 + (money * money / 2062) * 10 AS amount,
        pg_temp.nova_hash(customer, 201) AS owner
    FROM (
        SELECT
            i, brokers, today,
            today - (span_ms - span_ms * (i - 1) / (2 * customers)
                - pg_temp.nova_draw(i, 300, least(86400000, span_ms / (2 * customers)))) * INTERVAL '1 millisecond' AS born,
            1 + pg_temp.nova_draw(i, 301, greatest(1, (i - 1) / 2)) AS customer,
            pg_temp.nova_draw(i, 302, 50) AS lost,
            pg_temp.nova_draw(i, 303, 100) AS state,
            pg_temp.nova_draw(i, 304, 31623) AS money,
            15 + pg_temp.nova_draw(i, 305, 16) AS rate,
            pg_temp.nova_draw(i, 306, 1440) AS settled
        FROM nova_scale, generate_series(1, 2 * customers) AS i
        OFFSET 0
    ) AS drawn
    OFFSET 0
) AS owned;

-- One payment for a completed sale; a recent one may be outstanding.
INSERT INTO payments (id, sale_id, amount, method, status, reference, due_date, paid_at, created_at, updated_at)
SELECT
    md5('payment-' || id)::UUID::TEXT,
    id,
    sale_amount,
    CASE WHEN h % 100 < 62 THEN 'bank_transfer' WHEN h % 100 < 85 THEN 'cheque' WHEN h % 100 < 95 THEN 'card' ELSE 'cash' END,
    CASE WHEN paid_at IS NULL THEN 'pending' ELSE 'paid' END,
    CASE WHEN paid_at IS NOT NULL THEN 'TRX-' || h END,
    created_at::DATE + 30,
    paid_at,
    created_at,
    coalesce(paid_at, created_at)
FROM (
    SELECT
        id, sale_amount, created_at, h,
        CASE WHEN created_at + h % 45 * INTERVAL '1 day' < today
            THEN created_at + h % 45 * INTERVAL '1 day' END AS paid_at
    FROM (
        SELECT
            id, sale_amount, created_at,
            (SELECT today FROM nova_scale) AS today,
            ('x' || left(md5('payment-' || id), 7))::BIT(28)::INT AS h
        FROM sales
        WHERE status = 'completed'
        OFFSET 0
    ) AS drawn
    OFFSET 0
) AS paid;

-- Half the completed sales have had their commission booked.
INSERT INTO commissions (id, sale_id, user_id, amount, rate, status, paid_at, created_at, updated_at)
SELECT
    md5('commission-' || id)::UUID::TEXT,
    id,
    user_id,
    commission_amount,
    round(100 * commission_amount / sale_amount, 2),
    CASE WHEN settled_at < today THEN 'paid' WHEN h % 3 = 0 THEN 'approved' ELSE 'pending' END,
    CASE WHEN settled_at < today THEN settled_at END,
    created_at,
    least(today, settled_at)
FROM (
    SELECT
        id, user_id, sale_amount, commission_amount, created_at, today, h,
        created_at + (15 + h / 2 % 60) * INTERVAL '1 day' AS settled_at
    FROM (
        SELECT
            id, user_id, sale_amount, commission_amount, created_at,
            (SELECT today FROM nova_scale) AS today,
            ('x' || left(md5('commission-' || id), 7))::BIT(28)::INT AS h
        FROM sales
        WHERE status = 'completed'
        OFFSET 0
    ) AS drawn
    WHERE h % 2 = 0
    OFFSET 0
) AS booked;

-- Appointments run thirty days past today, so that about one in twenty-five is still to come.
INSERT INTO appointments (
    id, user_id, customer_id, title, location, start_datetime, end_datetime, status, created_at, updated_at
)
SELECT
    pg_temp.nova_id('appointment', i),
    pg_temp.nova_id('user', pg_temp.nova_broker(owner, brokers)),
    CASE WHEN topic < 9 THEN pg_temp.nova_id('customer', customer) END,
    (ARRAY[
        'معاينة عقار', 'معاينة فيلا', 'توقيع عقد', 'Property viewing', 'اجتماع مع العميل',
        'تسليم مفاتيح', 'Contract signing', 'تقييم عقار', 'مكالمة متابعة', 'Team meeting'
    ])[1 + topic],
    pg_temp.nova_place(place),
    starts_at,
    starts_at + (1 + length) * INTERVAL '30 minutes',
    CASE
        WHEN starts_at >= today AND state < 92 THEN 'scheduled'
        WHEN state < 74 THEN 'completed'
        WHEN state < 84 THEN 'no_show'
        ELSE 'cancelled'
    END,
    least(today, starts_at) - notice * INTERVAL '1 hour',
    least(today, starts_at)
FROM (
    SELECT
        i, brokers, today, customer, topic, place, length, state, notice, starts_at,
        pg_temp.nova_hash(customer, 201) AS owner
    FROM (
        SELECT
            i, brokers, today,
            date_trunc('minute', today
                - (span_ms - (span_ms + 30 * 86400000::BIGINT) * i / customers) * INTERVAL '1 millisecond') AS starts_at,
            1 + pg_temp.nova_draw(i, 401, greatest(1, i - 1)) AS customer,
            pg_temp.nova_draw(i, 402, 10) AS topic,
            pg_temp.nova_hash(i, 403) AS place,
            pg_temp.nova_draw(i, 404, 4) AS length,
            pg_temp.nova_draw(i, 405, 100) AS state,
            pg_temp.nova_draw(i, 406, 240) AS notice
        FROM nova_scale, generate_series(1, customers) AS i
        OFFSET 0
    ) AS drawn
    OFFSET 0
) AS owned;

INSERT INTO owner_properties (
    id, user_id, title, description, property_type, location, price, area_sqm, bedrooms, status, created_at, updated_at
)
SELECT
    pg_temp.nova_id('property', i),
    pg_temp.nova_id('user', pg_temp.nova_broker(owner, brokers)),
    CASE WHEN script < 70
        THEN (ARRAY['شقة', 'شقة', 'شقة', 'فيلا', 'فيلا', 'أرض', 'دور', 'مكتب', 'محل', 'مستودع'])[1 + kind]
            || ' للبيع في ' || pg_temp.nova_place(place)
        ELSE (ARRAY[
            'Apartment', 'Apartment', 'Apartment', 'Villa', 'Villa', 'Land', 'Floor', 'Office', 'Shop', 'Warehouse'
        ])[1 + kind] || ' for sale in ' || pg_temp.nova_place(place)
    END,
    -- One property in ten has no description, which is what COALESCE in the search index is for.
    CASE
        WHEN feature_one < 214748364 THEN NULL
        WHEN script < 70 THEN
            (ARRAY[
                'تشطيب فاخر', 'قريبة من المدارس', 'موقع مميز', 'إطلالة بحرية', 'مدخل خاص', 'مسبح خاص', 'حديقة واسعة',
                'مصعد', 'غرفة خادمة', 'نظام ذكي', 'قريب من المترو', 'ملحق خارجي', 'قبو', 'زاوية على شارعين'
            ])[pg_temp.nova_early(feature_one, 14)] || '، ' ||
            (ARRAY[
                'صك إلكتروني', 'ضمان على الهيكل', 'مواقف مظللة', 'مؤجرة حاليا', 'جاهزة للسكن', 'تقبل البنك', 'سعر قابل للتفاوض',
                'عمر العقار سنتان', 'واجهة شمالية', 'تكييف مركزي', 'مطبخ راكب', 'حراسة أمنية'
            ])[pg_temp.nova_early(feature_two, 12)]
        ELSE
            (ARRAY[
                'Luxury finish', 'Close to schools', 'Prime location', 'Sea view', 'Private entrance', 'Private pool',
                'Large garden', 'Elevator', 'Maid''s room', 'Smart home', 'Near the metro', 'Annex', 'Basement', 'Corner plot'
            ])[pg_temp.nova_early(feature_one, 14)] || ', ' ||
            (ARRAY[
                'electronic deed', 'structural warranty', 'shaded parking', 'tenanted', 'ready to move in', 'mortgage accepted',
                'negotiable', 'two years old', 'north facing', 'central cooling', 'fitted kitchen', 'gated community'
            ])[pg_temp.nova_early(feature_two, 12)]
    END,
    (ARRAY[
        'apartment', 'apartment', 'apartment', 'villa', 'villa', 'land', 'floor', 'office', 'shop', 'warehouse'
    ])[1 + kind],
    pg_temp.nova_place(place),
    (250 + money * money / 200) * 1000,
    80 + money,
    CASE WHEN kind IN (0, 1, 2, 3, 4, 6) THEN 2 + bedrooms END,
    CASE WHEN state < 58 THEN 'available' WHEN state < 72 THEN 'reserved' WHEN state < 95 THEN 'sold' ELSE 'withdrawn' END,
    born,
    born + (today - born) * (state / 100.0)
FROM (
    SELECT
        i, brokers, today,
        today - (span_ms - span_ms * (i - 1) / greatest(1, customers / 5)) * INTERVAL '1 millisecond' AS born,
        pg_temp.nova_hash(i, 501) AS owner,
        pg_temp.nova_draw(i, 502, 100) AS script,
        pg_temp.nova_draw(i, 503, 10) AS kind,
        pg_temp.nova_hash(i, 504) AS place,
        pg_temp.nova_hash(i, 505) AS feature_one,
        pg_temp.nova_hash(i, 506) AS feature_two,
        pg_temp.nova_draw(i, 507, 1000) AS money,
        pg_temp.nova_draw(i, 508, 5) AS bedrooms,
        pg_temp.nova_draw(i, 509, 100) AS state
    FROM nova_scale, generate_series(1, customers / 5) AS i
    OFFSET 0
) AS drawn;

INSERT INTO customer_interactions (id, customer_id, type, notes, created_at)
SELECT
    pg_temp.nova_id('interaction', i),
    pg_temp.nova_id('customer', customer),
    CASE WHEN kind < 40 THEN 'whatsapp' WHEN kind < 74 THEN 'call' WHEN kind < 86 THEN 'email' WHEN kind < 95 THEN 'visit' ELSE 'meeting' END,
    (ARRAY[
        'مهتم بالعرض', 'لم يرد على الاتصال', 'طلب تفاصيل السعر', 'Asked for a second viewing', 'يرغب في معاينة ثانية',
        'Left a voicemail', 'يبحث عن تمويل', 'Sent the brochure', 'طلب تخفيض السعر', NULL
    ])[1 + note],
    born
FROM (
    SELECT
        i,
        today - (span_ms - span_ms * i / customers) * INTERVAL '1 millisecond' AS born,
        1 + pg_temp.nova_draw(i, 601, i) AS customer,
        pg_temp.nova_draw(i, 602, 100) AS kind,
        pg_temp.nova_draw(i, 603, 10) AS note
    FROM nova_scale, generate_series(1, customers) AS i
    OFFSET 0
) AS drawn;

-- Half as many as customers; those due after today are still pending, and some of the others were forgotten.
INSERT INTO customer_followups (id, customer_id, due_at, status, notes, completed_at, created_at, updated_at)
SELECT
    pg_temp.nova_id('followup', i),
    pg_temp.nova_id('customer', customer),
    due_at,
    CASE WHEN due_at > today OR state < 12 THEN 'pending' WHEN state < 90 THEN 'completed' ELSE 'cancelled' END,
    (ARRAY['اتصال للمتابعة', 'إرسال عروض جديدة', 'Call back', 'تأكيد موعد المعاينة', NULL])[1 + note],
    CASE WHEN due_at <= today AND state BETWEEN 12 AND 89 THEN due_at END,
    born,
    least(today, due_at)
FROM (
    SELECT
        *,
        born + notice * INTERVAL '1 hour' AS due_at
    FROM (
        SELECT
            i, today,
            today - (span_ms - span_ms * 2 * i / customers) * INTERVAL '1 millisecond' AS born,
            1 + pg_temp.nova_draw(i, 701, 2 * i) AS customer,
            pg_temp.nova_draw(i, 702, 336) AS notice,
            pg_temp.nova_draw(i, 703, 100) AS state,
            pg_temp.nova_draw(i, 704, 5) AS note
        FROM nova_scale, generate_series(1, customers / 2) AS i
        OFFSET 0
    ) AS drawn
    OFFSET 0
) AS dated;

-- Customers to date, but sales and revenue of the day: a running revenue would overflow DECIMAL(12, 2).
INSERT INTO analytics_snapshots (
    id, user_id, snapshot_date, total_customers, total_sales, total_revenue, created_at
)
WITH joined AS (
    -- Whoever came before the first snapshot counts in it.
    SELECT
        user_id,
        greatest(created_at::DATE, (SELECT today::DATE - 365 FROM nova_scale)) AS day,
        count(*) AS customers
    FROM customers
    GROUP BY 1, 2
),
sold AS (
    SELECT user_id, created_at::DATE AS day, count(*) AS sales, sum(sale_amount) AS revenue
    FROM sales
    WHERE status = 'completed' AND created_at >= (SELECT today - INTERVAL '365 days' FROM nova_scale)
    GROUP BY 1, 2
),
days AS (
    SELECT
        broker, ago, today::DATE - ago AS day,
        pg_temp.nova_id('user', broker) AS user_id
    FROM nova_scale, generate_series(1, brokers) AS broker, generate_series(1, 365) AS ago
)
SELECT
    md5('snapshot-' || broker || '-' || ago)::UUID::TEXT,
    user_id,
    day,
    coalesce(sum(joined.customers) OVER (PARTITION BY broker ORDER BY day), 0),
    coalesce(sold.sales, 0),
    coalesce(sold.revenue, 0),
    day + INTERVAL '1 day 5 minutes'
FROM days
LEFT JOIN joined USING (user_id, day)
LEFT JOIN sold USING (user_id, day);

DROP FUNCTION
    pg_temp.nova_place(BIGINT),
    pg_temp.nova_name(BIGINT, BIGINT, BIGINT),
    pg_temp.nova_id(TEXT, BIGINT),
    pg_temp.nova_broker(BIGINT, BIGINT),
    pg_temp.nova_early(BIGINT, BIGINT),
    pg_temp.nova_draw(BIGINT, BIGINT, BIGINT),
    pg_temp.nova_hash(BIGINT, BIGINT);
DROP TABLE nova_scale;

RESET jit;
SET session_replication_role = DEFAULT;
