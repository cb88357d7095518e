-- Money in cents, ratios as decimals (0.95), dates as YYYY-MM-DD, times in seconds since 1970-01-01T00:00:00Z.
CREATE TABLE deal_financials (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    deal_id INTEGER NOT NULL UNIQUE REFERENCES deals (id),
    purchase_price INTEGER,
    asking_price INTEGER,
    estimated_value INTEGER,
    in_place_noi INTEGER,
    stabilized_noi INTEGER,
    stabilized_value INTEGER,
    stabilized_occupancy REAL,
    going_in_cap_rate REAL,
    going_in_cap_rate_as_of_date TEXT,
    capex INTEGER,
    historical_capex INTEGER,
    land_cost INTEGER,
    total_cost INTEGER,
    total_cost_basis INTEGER,
    cost_basis_to_date INTEGER,
    imputed_land_value INTEGER,
    existing_debt INTEGER,
    estimated_cost_basis_if_refinance INTEGER,
    exchange_amount INTEGER,
    exchange_required_closing_date TEXT,
    date_of_purchase_if_refinance TEXT,
    construction_start_date TEXT,
    construction_completion_date TEXT,
    debt_maturity_date TEXT,
    outstanding_loan_amount_at_closing INTEGER,
    investment_sales_brokerage_fee INTEGER,
    debt_placement_brokerage_fee INTEGER,
    environmental_cost INTEGER,
    appraisal_cost INTEGER,
    survey_cost INTEGER,
    snda_and_estoppel_cost INTEGER,
    estimated_borrower_counsel_cost INTEGER,
    estimated_lender_counsel_cost INTEGER,
    other_closing_costs INTEGER,
    cash_out INTEGER,
    recent_phase_available INTEGER,
    recent_appraisal_available INTEGER,
    survey_available INTEGER,
    borrower_counsel_engaged INTEGER,
    updated_at INTEGER NOT NULL
) STRICT;

CREATE TABLE deal_properties (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    deal_id INTEGER NOT NULL REFERENCES deals (id),
    name TEXT,
    address TEXT,
    city TEXT,
    state TEXT,
    zip TEXT,
    asset_type_id INTEGER,
    units INTEGER,
    square_footage REAL,
    year_built INTEGER
) STRICT;
CREATE INDEX deal_properties_by_deal ON deal_properties (deal_id, id);

CREATE TABLE pipelines (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    owner_account_id INTEGER NOT NULL REFERENCES accounts (id),
    pipeline_type TEXT,
    pipeline_name TEXT,
    description TEXT,
    "order" INTEGER NOT NULL
) STRICT;
CREATE INDEX pipelines_by_account ON pipelines (owner_account_id, id);

CREATE TABLE pipeline_statuses (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    pipeline_id INTEGER NOT NULL REFERENCES pipelines (id),
    status TEXT NOT NULL,
    custom_status_name TEXT,
    description TEXT,
    "order" INTEGER NOT NULL,
    icon TEXT,
    UNIQUE (pipeline_id, id)
) STRICT;
CREATE INDEX pipeline_statuses_by_pipeline ON pipeline_statuses (pipeline_id, "order");

-- Where a deal stands: one status in each pipeline that it is in.
CREATE TABLE deal_pipelines (
    deal_id INTEGER NOT NULL REFERENCES deals (id),
    pipeline_id INTEGER NOT NULL,
    pipeline_status_id INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (deal_id, pipeline_id),
    FOREIGN KEY (pipeline_id, pipeline_status_id) REFERENCES pipeline_statuses (pipeline_id, id)
) STRICT, WITHOUT ROWID;

-- Sorted lists of one account.
CREATE INDEX deals_by_title ON deals (owner_account_id, title, id);
CREATE INDEX deals_by_amount ON deals (owner_account_id, loan_amount_cents, id);
CREATE INDEX deals_by_creation ON deals (owner_account_id, created_at, id);
CREATE INDEX deals_by_update ON deals (owner_account_id, updated_at, id);
