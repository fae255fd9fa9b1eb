-- The tables of Nova CRM, a real-estate CRM on Prisma, as `prisma migrate` lays them out on PostgreSQL:
-- ids are TEXT that the application fills with UUIDs, DateTime is TIMESTAMP(3) in UTC, and updated_at has no
-- default because the client sets it.
-- Tables and constraints only. The secondary indexes are in declared/indexes.sql, so that the schema can be
-- loaded without them and the two states compared.

CREATE TABLE users (
    id            TEXT         NOT NULL,
    email         TEXT         NOT NULL,
    password      TEXT         NOT NULL,
    name          TEXT,
    phone         TEXT,
    role          TEXT         NOT NULL DEFAULT 'broker',
    status        TEXT         NOT NULL DEFAULT 'active',
    last_login_at TIMESTAMP(3),
    created_at    TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    updated_at    TIMESTAMP(3) NOT NULL,
    CONSTRAINT users_pkey PRIMARY KEY (id),
    CONSTRAINT users_email_key UNIQUE (email)
);

CREATE TABLE customers (
    id                TEXT         NOT NULL,
    user_id           TEXT         NOT NULL,
    name              TEXT         NOT NULL,
    phone             TEXT         NOT NULL,
    email             TEXT,
    status            TEXT         NOT NULL DEFAULT 'lead',
    source            TEXT,
    budget            DECIMAL(12, 2),
    last_contacted_at TIMESTAMP(3),
    created_at        TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    updated_at        TIMESTAMP(3) NOT NULL,
    CONSTRAINT customers_pkey PRIMARY KEY (id),
    CONSTRAINT customers_user_id_fkey FOREIGN KEY (user_id)
        REFERENCES users (id) ON DELETE CASCADE ON UPDATE CASCADE
);

CREATE TABLE sales (
    id                TEXT           NOT NULL,
    user_id           TEXT           NOT NULL,
    customer_id       TEXT,
    sale_amount       DECIMAL(12, 2) NOT NULL,
    commission_amount DECIMAL(12, 2),
    status            TEXT           NOT NULL DEFAULT 'pending',
    created_at        TIMESTAMP(3)   NOT NULL DEFAULT CURRENT_TIMESTAMP,
    updated_at        TIMESTAMP(3)   NOT NULL,
    CONSTRAINT sales_pkey PRIMARY KEY (id),
    CONSTRAINT sales_user_id_fkey FOREIGN KEY (user_id)
        REFERENCES users (id) ON DELETE RESTRICT ON UPDATE CASCADE,
    CONSTRAINT sales_customer_id_fkey FOREIGN KEY (customer_id)
        REFERENCES customers (id) ON DELETE SET NULL ON UPDATE CASCADE
);

-- The model declares no relation to users, so there is no foreign key: snapshots outlive their broker.
CREATE TABLE analytics_snapshots (
    id              TEXT           NOT NULL,
    user_id         TEXT           NOT NULL,
    snapshot_date   DATE           NOT NULL,
    total_customers INTEGER        NOT NULL DEFAULT 0,
    total_sales     INTEGER        NOT NULL DEFAULT 0,
    total_revenue   DECIMAL(12, 2) NOT NULL DEFAULT 0,
    created_at      TIMESTAMP(3)   NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT analytics_snapshots_pkey PRIMARY KEY (id),
    CONSTRAINT analytics_snapshots_user_id_snapshot_date_key UNIQUE (user_id, snapshot_date)
);

-- The tables below are named by the relations of the models above, or by the migration, which give only some
-- of their columns; the rest is what the application would need.

CREATE TABLE payments (
    id         TEXT           NOT NULL,
    sale_id    TEXT           NOT NULL,
    amount     DECIMAL(12, 2) NOT NULL,
    method     TEXT           NOT NULL DEFAULT 'bank_transfer',
    status     TEXT           NOT NULL DEFAULT 'pending',
    reference  TEXT,
    due_date   DATE           NOT NULL,
    paid_at    TIMESTAMP(3),
    created_at TIMESTAMP(3)   NOT NULL DEFAULT CURRENT_TIMESTAMP,
    updated_at TIMESTAMP(3)   NOT NULL,
    CONSTRAINT payments_pkey PRIMARY KEY (id),
    CONSTRAINT payments_sale_id_fkey FOREIGN KEY (sale_id)
        REFERENCES sales (id) ON DELETE CASCADE ON UPDATE CASCADE
);

-- user_id is who earns the commission, which a shared sale makes worth keeping apart from the sale's broker.
CREATE TABLE commissions (
    id         TEXT           NOT NULL,
    sale_id    TEXT           NOT NULL,
    user_id    TEXT           NOT NULL,
    amount     DECIMAL(12, 2) NOT NULL,
    rate       DECIMAL(5, 2)  NOT NULL,
    status     TEXT           NOT NULL DEFAULT 'pending',
    paid_at    TIMESTAMP(3),
    created_at TIMESTAMP(3)   NOT NULL DEFAULT CURRENT_TIMESTAMP,
    updated_at TIMESTAMP(3)   NOT NULL,
    CONSTRAINT commissions_pkey PRIMARY KEY (id),
    CONSTRAINT commissions_sale_id_fkey FOREIGN KEY (sale_id)
        REFERENCES sales (id) ON DELETE CASCADE ON UPDATE CASCADE,
    CONSTRAINT commissions_user_id_fkey FOREIGN KEY (user_id)
        REFERENCES users (id) ON DELETE RESTRICT ON UPDATE CASCADE
);

CREATE TABLE appointments (
    id             TEXT         NOT NULL,
    user_id        TEXT         NOT NULL,
    customer_id    TEXT,
    title          TEXT         NOT NULL,
    location       TEXT,
    start_datetime TIMESTAMP(3) NOT NULL,
    end_datetime   TIMESTAMP(3) NOT NULL,
    status         TEXT         NOT NULL DEFAULT 'scheduled',
    created_at     TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    updated_at     TIMESTAMP(3) NOT NULL,
    CONSTRAINT appointments_pkey PRIMARY KEY (id),
    CONSTRAINT appointments_user_id_fkey FOREIGN KEY (user_id)
        REFERENCES users (id) ON DELETE CASCADE ON UPDATE CASCADE,
    CONSTRAINT appointments_customer_id_fkey FOREIGN KEY (customer_id)
        REFERENCES customers (id) ON DELETE SET NULL ON UPDATE CASCADE
);

CREATE TABLE owner_properties (
    id            TEXT           NOT NULL,
    user_id       TEXT           NOT NULL,
    title         TEXT           NOT NULL,
    description   TEXT,
    property_type TEXT           NOT NULL,
    location      TEXT           NOT NULL,
    price         DECIMAL(12, 2) NOT NULL,
    area_sqm      INTEGER,
    bedrooms      INTEGER,
    status        TEXT           NOT NULL DEFAULT 'available',
    created_at    TIMESTAMP(3)   NOT NULL DEFAULT CURRENT_TIMESTAMP,
    updated_at    TIMESTAMP(3)   NOT NULL,
    CONSTRAINT owner_properties_pkey PRIMARY KEY (id),
    CONSTRAINT owner_properties_user_id_fkey FOREIGN KEY (user_id)
        REFERENCES users (id) ON DELETE CASCADE ON UPDATE CASCADE
);

CREATE TABLE customer_interactions (
    id          TEXT         NOT NULL,
    customer_id TEXT         NOT NULL,
    type        TEXT         NOT NULL,
    notes       TEXT,
    created_at  TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT customer_interactions_pkey PRIMARY KEY (id),
    CONSTRAINT customer_interactions_customer_id_fkey FOREIGN KEY (customer_id)
        REFERENCES customers (id) ON DELETE CASCADE ON UPDATE CASCADE
);

CREATE TABLE customer_followups (
    id           TEXT         NOT NULL,
    customer_id  TEXT         NOT NULL,
    due_at       TIMESTAMP(3) NOT NULL,
    status       TEXT         NOT NULL DEFAULT 'pending',
    notes        TEXT,
    completed_at TIMESTAMP(3),
    created_at   TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    updated_at   TIMESTAMP(3) NOT NULL,
    CONSTRAINT customer_followups_pkey PRIMARY KEY (id),
    CONSTRAINT customer_followups_customer_id_fkey FOREIGN KEY (customer_id)
        REFERENCES customers (id) ON DELETE CASCADE ON UPDATE CASCADE
);
