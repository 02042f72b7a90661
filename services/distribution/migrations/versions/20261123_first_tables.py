"""The first tables: projections, cycles, entitlements, sessions, deliveries, the ledger."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel.sql.sqltypes import AutoString

from services.shared.migrations import create_shared_tables_v1

revision = "distribution_0001"
down_revision = None
branch_labels = None
depends_on = None

POSTED = """
CREATE FUNCTION ledger_entries_posted() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO ledger_accounts (program_id, year, account, balance_idr, balance_units, updated_at)
    SELECT DISTINCT program_id, year, account, 0, 0, now()
    FROM (SELECT program_id, year, debited AS account FROM entered
          UNION SELECT program_id, year, credited FROM entered) AS touched
    ORDER BY 1, 2, 3
    ON CONFLICT DO NOTHING;

    -- One order for all writers, so that two batches never wait for each other.
    PERFORM 1 FROM ledger_accounts AS a
    WHERE (a.program_id, a.year, a.account) IN (
        SELECT program_id, year, debited FROM entered
        UNION SELECT program_id, year, credited FROM entered)
    ORDER BY a.program_id, a.year, a.account
    FOR UPDATE;

    UPDATE ledger_accounts AS a
    SET balance_idr = a.balance_idr + moved.amount_idr,
        balance_units = a.balance_units + moved.units,
        updated_at = now()
    FROM (
        SELECT program_id, year, account, sum(amount_idr) AS amount_idr, sum(units) AS units
        FROM (SELECT program_id, year, debited AS account, -amount_idr AS amount_idr,
                     -units AS units FROM entered
              UNION ALL
              SELECT program_id, year, credited, amount_idr, units FROM entered) AS lines
        GROUP BY program_id, year, account
    ) AS moved
    WHERE (a.program_id, a.year, a.account) = (moved.program_id, moved.year, moved.account);
    RETURN NULL;
END $$
"""

AGREES = """
CREATE FUNCTION ledger_agrees_with_entitlement() RETURNS trigger
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    book record;
    right_ record;
BEGIN
    SELECT sum(CASE WHEN kind IN ('reserve', 'return') THEN units ELSE -units END) AS open_units,
           sum(CASE WHEN kind IN ('reserve', 'return') THEN amount_idr ELSE -amount_idr END)
               AS open_idr,
           sum(CASE kind WHEN 'deliver' THEN units WHEN 'return' THEN -units ELSE 0 END)
               AS held_units
    INTO book FROM ledger_entries WHERE entitlement_id = NEW.entitlement_id;
    SELECT CASE status WHEN 'void' THEN 0 ELSE quantity - delivered_quantity END AS open_units,
           unit_value_idr, delivered_quantity
    INTO right_ FROM entitlements WHERE id = NEW.entitlement_id;
    IF book.open_units IS DISTINCT FROM right_.open_units
       OR book.held_units IS DISTINCT FROM right_.delivered_quantity
       OR book.open_idr IS DISTINCT FROM right_.open_units * right_.unit_value_idr THEN
        RAISE EXCEPTION 'ledger and entitlement % disagree', NEW.entitlement_id
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$
"""

REFUSE = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- Depth 2 is the posting trigger of ledger_entries at work.
    IF TG_TABLE_NAME = 'ledger_accounts' AND pg_trigger_depth() > 1 THEN
        RETURN NULL;
    END IF;
    RAISE EXCEPTION '% is written by appending entries only', TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END $$
"""

TRIGGERS = (
    "CREATE TRIGGER ledger_entries_posted AFTER INSERT ON ledger_entries"
    " REFERENCING NEW TABLE AS entered FOR EACH STATEMENT EXECUTE FUNCTION ledger_entries_posted()",
    "CREATE CONSTRAINT TRIGGER ledger_entries_agree AFTER INSERT ON ledger_entries"
    " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW"
    " WHEN (NEW.kind IN ('release', 'deliver', 'return'))"
    " EXECUTE FUNCTION ledger_agrees_with_entitlement()",
    "CREATE TRIGGER ledger_entries_keep BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_entries"
    " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()",
    "CREATE TRIGGER ledger_accounts_guard BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE"
    " ON ledger_accounts FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()",
)


def upgrade() -> None:
    create_shared_tables_v1(op)
    op.create_table('cycles',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('program_id', sa.Uuid(), nullable=False),
    sa.Column('name', AutoString(), nullable=False),
    sa.Column('year', sa.Integer(), nullable=False),
    sa.Column('opens_on', sa.Date(), nullable=False),
    sa.Column('closes_on', sa.Date(), nullable=False),
    sa.Column('quantity', sa.BigInteger(), nullable=True),
    sa.Column('unit_value_idr', sa.BigInteger(), nullable=True),
    sa.Column('status', AutoString(), nullable=False),
    sa.Column('version', sa.BigInteger(), nullable=False),
    sa.Column('created_by', AutoString(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("status IN ('open','closed')", name=op.f('cycles_status_check')),
    sa.CheckConstraint('opens_on <= closes_on', name=op.f('cycles_dates_check')),
    sa.CheckConstraint('quantity > 0', name=op.f('cycles_quantity_check')),
    sa.CheckConstraint('unit_value_idr >= 0', name=op.f('cycles_unit_value_idr_check')),
    sa.PrimaryKeyConstraint('id', name=op.f('cycles_pkey')),
    sa.UniqueConstraint('program_id', 'year', 'name', name=op.f('cycles_program_id_year_name_key'))
    )
    op.create_index(op.f('cycles_opens_on_id_idx'), 'cycles', ['opens_on', 'id'], unique=False)
    op.create_table('disbursement_orders',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('program_id', sa.Uuid(), nullable=False),
    sa.Column('year', sa.Integer(), nullable=False),
    sa.Column('number', AutoString(), nullable=False),
    sa.Column('ordered_on', sa.Date(), nullable=False),
    sa.Column('amount_idr', sa.BigInteger(), nullable=False),
    sa.Column('note', AutoString(), nullable=True),
    sa.Column('recorded_by', AutoString(), nullable=False),
    sa.Column('recorded_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('amount_idr > 0', name=op.f('disbursement_orders_amount_idr_check')),
    sa.PrimaryKeyConstraint('id', name=op.f('disbursement_orders_pkey')),
    sa.UniqueConstraint('program_id', 'year', 'number', name='uq_disbursement_orders_program_id_year_number'),
    info={'append_only': True}
    )
    op.create_table('enrolments',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('program_id', sa.Uuid(), nullable=False),
    sa.Column('year', sa.Integer(), nullable=False),
    sa.Column('family_id', sa.Uuid(), nullable=False),
    sa.Column('person_id', sa.Uuid(), nullable=True),
    sa.Column('region_code', AutoString(), nullable=False),
    sa.Column('status', AutoString(), nullable=False),
    sa.Column('valid_from', sa.Date(), nullable=False),
    sa.Column('valid_to', sa.Date(), nullable=True),
    sa.Column('sensitive', sa.Boolean(), nullable=False),
    sa.Column('epoch', sa.BigInteger(), nullable=False),
    sa.Column('version', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('enrolments_pkey'))
    )
    op.create_index(op.f('enrolments_family_id_idx'), 'enrolments', ['family_id'], unique=False)
    op.create_index(op.f('enrolments_person_id_idx'), 'enrolments', ['person_id'], unique=False)
    op.create_index(op.f('enrolments_program_id_year_idx'), 'enrolments', ['program_id', 'year'], unique=False)
    op.create_table('families',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('region_code', AutoString(), nullable=False),
    sa.Column('status', AutoString(), nullable=False),
    sa.Column('epoch', sa.BigInteger(), nullable=False),
    sa.Column('version', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('families_pkey'))
    )
    op.create_table('family_members',
    sa.Column('person_id', sa.Uuid(), nullable=False),
    sa.Column('family_id', sa.Uuid(), nullable=False),
    sa.Column('relation', sa.Integer(), nullable=True),
    sa.Column('presence', sa.Integer(), nullable=True),
    sa.Column('match_status', AutoString(), nullable=False),
    sa.PrimaryKeyConstraint('person_id', name=op.f('family_members_pkey'))
    )
    op.create_index(op.f('family_members_family_id_idx'), 'family_members', ['family_id'], unique=False)
    op.create_table('ledger_accounts',
    sa.Column('program_id', sa.Uuid(), nullable=False),
    sa.Column('year', sa.Integer(), nullable=False),
    sa.Column('account', AutoString(), nullable=False),
    sa.Column('balance_idr', sa.BigInteger(), nullable=False),
    sa.Column('balance_units', sa.BigInteger(), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("account NOT IN ('appropriation','unbudgeted','returned') OR balance_idr <= 0", name=op.f('ledger_accounts_not_positive_check')),
    sa.CheckConstraint("account NOT IN ('budget','committed','delivered') OR balance_idr >= 0", name=op.f('ledger_accounts_not_negative_check')),
    sa.CheckConstraint("account NOT IN ('committed','delivered') OR balance_units >= 0", name=op.f('ledger_accounts_units_check')),
    sa.PrimaryKeyConstraint('program_id', 'year', 'account', name=op.f('ledger_accounts_pkey')),
    info={'append_only': True}
    )
    op.create_table('ledger_entries',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('program_id', sa.Uuid(), nullable=False),
    sa.Column('year', sa.Integer(), nullable=False),
    sa.Column('kind', AutoString(), nullable=False),
    sa.Column('debited', AutoString(), nullable=False),
    sa.Column('credited', AutoString(), nullable=False),
    sa.Column('amount_idr', sa.BigInteger(), nullable=False),
    sa.Column('units', sa.BigInteger(), nullable=False),
    sa.Column('entitlement_id', sa.Uuid(), nullable=True),
    sa.Column('delivery_id', sa.Uuid(), nullable=True),
    sa.Column('return_id', sa.Uuid(), nullable=True),
    sa.Column('occurred_on', sa.Date(), nullable=False),
    sa.Column('reason', AutoString(), nullable=True),
    sa.Column('recorded_by', AutoString(), nullable=False),
    sa.Column('recorded_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("(kind = 'appropriate' AND debited = 'appropriation' AND credited = 'budget') OR (kind = 'cut' AND debited = 'budget' AND credited = 'appropriation') OR (kind = 'advance' AND debited = 'unbudgeted' AND credited = 'budget') OR (kind = 'cover' AND debited = 'budget' AND credited = 'unbudgeted') OR (kind = 'reserve' AND debited = 'budget' AND credited = 'committed') OR (kind = 'release' AND debited = 'committed' AND credited = 'budget') OR (kind = 'deliver' AND debited = 'committed' AND credited = 'delivered') OR (kind = 'return' AND debited = 'returned' AND credited = 'committed')", name=op.f('ledger_entries_move_check')),
    sa.CheckConstraint("(kind = 'deliver') = (delivery_id IS NOT NULL AND return_id IS NULL)", name=op.f('ledger_entries_delivery_check')),
    sa.CheckConstraint("(kind = 'return') = (return_id IS NOT NULL)", name=op.f('ledger_entries_return_check')),
    sa.CheckConstraint("(kind IN ('reserve','release','deliver','return')) = (entitlement_id IS NOT NULL)", name=op.f('ledger_entries_entitlement_check')),
    sa.CheckConstraint('amount_idr > 0 OR units > 0', name=op.f('ledger_entries_not_empty_check')),
    sa.CheckConstraint('amount_idr >= 0', name=op.f('ledger_entries_amount_idr_check')),
    sa.CheckConstraint('units >= 0', name=op.f('ledger_entries_units_check')),
    sa.PrimaryKeyConstraint('id', name=op.f('ledger_entries_pkey')),
    info={'append_only': True}
    )
    op.create_index(op.f('ledger_entries_entitlement_id_idx'), 'ledger_entries', ['entitlement_id'], unique=False)
    op.create_index('ledger_entries_one_deliver_idx', 'ledger_entries', ['delivery_id'], unique=True, postgresql_where="kind = 'deliver'")
    op.create_index('ledger_entries_one_reserve_idx', 'ledger_entries', ['entitlement_id'], unique=True, postgresql_where="kind = 'reserve'")
    op.create_index('ledger_entries_one_return_idx', 'ledger_entries', ['return_id'], unique=True, postgresql_where="kind = 'return'")
    op.create_index(op.f('ledger_entries_program_id_year_recorded_at_id_idx'), 'ledger_entries', ['program_id', 'year', 'recorded_at', 'id'], unique=False)
    op.create_table('persons',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('family_id', sa.Uuid(), nullable=True),
    sa.Column('name', AutoString(), nullable=True),
    sa.Column('nik_masked', AutoString(), nullable=True),
    sa.Column('nik_sealed', AutoString(), nullable=True),
    sa.Column('nik_index', sa.LargeBinary(), nullable=True),
    sa.Column('kk_masked', AutoString(), nullable=True),
    sa.Column('kk_index', sa.LargeBinary(), nullable=True),
    sa.Column('erased', sa.Boolean(), nullable=False),
    sa.Column('epoch', sa.BigInteger(), nullable=False),
    sa.Column('version', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('persons_pkey'))
    )
    op.create_index(op.f('persons_family_id_idx'), 'persons', ['family_id'], unique=False)
    op.create_index(op.f('persons_kk_index_idx'), 'persons', ['kk_index'], unique=False)
    op.create_index(op.f('persons_nik_index_idx'), 'persons', ['nik_index'], unique=False)
    op.create_table('program_years',
    sa.Column('program_id', sa.Uuid(), nullable=False),
    sa.Column('year', sa.Integer(), nullable=False),
    sa.Column('ceiling_idr', sa.BigInteger(), nullable=True),
    sa.Column('aid_ceiling_idr', sa.BigInteger(), nullable=True),
    sa.PrimaryKeyConstraint('program_id', 'year', name=op.f('program_years_pkey'))
    )
    op.create_table('programs',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('code', AutoString(), nullable=False),
    sa.Column('name', AutoString(), nullable=False),
    sa.Column('owner_code', AutoString(), nullable=False),
    sa.Column('reporter_code', AutoString(), nullable=False),
    sa.Column('unit', AutoString(), nullable=False),
    sa.Column('benefit', JSONB(), nullable=False),
    sa.Column('steps', JSONB(), nullable=False),
    sa.Column('sensitive', sa.Boolean(), nullable=False),
    sa.Column('status', AutoString(), nullable=False),
    sa.Column('epoch', sa.BigInteger(), nullable=False),
    sa.Column('version', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('programs_pkey'))
    )
    op.create_index(op.f('programs_owner_code_idx'), 'programs', ['owner_code'], unique=False)
    op.create_table('regions',
    sa.Column('code', AutoString(), nullable=False),
    sa.Column('name', AutoString(), nullable=False),
    sa.Column('level', AutoString(), nullable=False),
    sa.Column('parent_code', AutoString(), nullable=True),
    sa.Column('epoch', sa.BigInteger(), nullable=False),
    sa.Column('version', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('code', name=op.f('regions_pkey'))
    )
    op.create_table('entitlements',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('cycle_id', sa.Uuid(), nullable=False),
    sa.Column('program_id', sa.Uuid(), nullable=False),
    sa.Column('enrolment_id', sa.Uuid(), nullable=False),
    sa.Column('year', sa.Integer(), nullable=False),
    sa.Column('family_id', sa.Uuid(), nullable=False),
    sa.Column('person_id', sa.Uuid(), nullable=True),
    sa.Column('region_code', AutoString(), nullable=False),
    sa.Column('quantity', sa.BigInteger(), nullable=False),
    sa.Column('unit_value_idr', sa.BigInteger(), nullable=False),
    sa.Column('delivered_quantity', sa.BigInteger(), nullable=False),
    sa.Column('due_on', sa.Date(), nullable=False),
    sa.Column('status', AutoString(), nullable=False),
    sa.Column('void_reason', AutoString(), nullable=True),
    sa.Column('sensitive', sa.Boolean(), nullable=False),
    sa.Column('version', sa.BigInteger(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("(status = 'void' AND delivered_quantity = 0) OR (status = 'reserved' AND delivered_quantity = 0) OR (status = 'delivered' AND delivered_quantity = quantity) OR (status = 'part_delivered' AND delivered_quantity > 0 AND delivered_quantity < quantity)", name=op.f('entitlements_status_follows_check')),
    sa.CheckConstraint("status IN ('reserved','part_delivered','delivered','void')", name=op.f('entitlements_status_check')),
    sa.CheckConstraint('delivered_quantity BETWEEN 0 AND quantity', name=op.f('entitlements_delivered_check')),
    sa.CheckConstraint('quantity > 0', name=op.f('entitlements_quantity_check')),
    sa.CheckConstraint('unit_value_idr >= 0', name=op.f('entitlements_unit_value_idr_check')),
    sa.ForeignKeyConstraint(['cycle_id'], ['cycles.id'], name=op.f('entitlements_cycle_id_fkey')),
    sa.PrimaryKeyConstraint('id', name=op.f('entitlements_pkey')),
    sa.UniqueConstraint('cycle_id', 'enrolment_id', name=op.f('entitlements_cycle_id_enrolment_id_key'))
    )
    op.create_index(op.f('entitlements_enrolment_id_idx'), 'entitlements', ['enrolment_id'], unique=False)
    op.create_index(op.f('entitlements_family_id_idx'), 'entitlements', ['family_id'], unique=False)
    op.create_index(op.f('entitlements_person_id_idx'), 'entitlements', ['person_id'], unique=False)
    op.create_index(op.f('entitlements_region_code_id_idx'), 'entitlements', ['region_code', 'id'], unique=False)
    op.create_index(op.f('entitlements_cycle_id_id_idx'), 'entitlements', ['cycle_id', 'id'], unique=False)
    op.create_table('sessions',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('cycle_id', sa.Uuid(), nullable=False),
    sa.Column('place', AutoString(), nullable=False),
    sa.Column('region_code', AutoString(), nullable=True),
    sa.Column('held_on', sa.Date(), nullable=False),
    sa.Column('officer', AutoString(), nullable=False),
    sa.Column('status', AutoString(), nullable=False),
    sa.Column('version', sa.BigInteger(), nullable=False),
    sa.Column('created_by', AutoString(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("status IN ('open','closed')", name=op.f('sessions_status_check')),
    sa.ForeignKeyConstraint(['cycle_id'], ['cycles.id'], name=op.f('sessions_cycle_id_fkey')),
    sa.PrimaryKeyConstraint('id', name=op.f('sessions_pkey'))
    )
    op.create_index(op.f('sessions_cycle_id_idx'), 'sessions', ['cycle_id'], unique=False)
    op.create_index(op.f('sessions_held_on_id_idx'), 'sessions', ['held_on', 'id'], unique=False)
    op.create_table('deliveries',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('entitlement_id', sa.Uuid(), nullable=False),
    sa.Column('session_id', sa.Uuid(), nullable=True),
    sa.Column('agency', AutoString(), nullable=True),
    sa.Column('cycle_id', sa.Uuid(), nullable=False),
    sa.Column('program_id', sa.Uuid(), nullable=False),
    sa.Column('enrolment_id', sa.Uuid(), nullable=False),
    sa.Column('family_id', sa.Uuid(), nullable=False),
    sa.Column('person_id', sa.Uuid(), nullable=True),
    sa.Column('region_code', AutoString(), nullable=False),
    sa.Column('sensitive', sa.Boolean(), nullable=False),
    sa.Column('quantity', sa.BigInteger(), nullable=False),
    sa.Column('unit', AutoString(), nullable=False),
    sa.Column('value_idr', sa.BigInteger(), nullable=False),
    sa.Column('received_by', AutoString(), nullable=False),
    sa.Column('receiver_name', AutoString(), nullable=True),
    sa.Column('receiver_relation', AutoString(), nullable=True),
    sa.Column('serial_number', AutoString(), nullable=True),
    sa.Column('proof_upload_id', sa.Uuid(), nullable=True),
    sa.Column('proof_sha256', AutoString(), nullable=True),
    sa.Column('delivered_on', sa.Date(), nullable=False),
    sa.Column('note', AutoString(), nullable=True),
    sa.Column('recorded_by', AutoString(), nullable=False),
    sa.Column('recorded_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("received_by IN ('self','representative')", name=op.f('deliveries_receiver_check')),
    sa.CheckConstraint('(proof_upload_id IS NULL) = (proof_sha256 IS NULL)', name=op.f('deliveries_proof_check')),
    sa.CheckConstraint('num_nonnulls(session_id, agency) = 1', name=op.f('deliveries_door_check')),
    sa.CheckConstraint('quantity > 0', name=op.f('deliveries_quantity_check')),
    sa.CheckConstraint('value_idr >= 0', name=op.f('deliveries_value_idr_check')),
    sa.ForeignKeyConstraint(['entitlement_id'], ['entitlements.id'], name=op.f('deliveries_entitlement_id_fkey')),
    sa.ForeignKeyConstraint(['session_id'], ['sessions.id'], name=op.f('deliveries_session_id_fkey')),
    sa.PrimaryKeyConstraint('id', name=op.f('deliveries_pkey')),
    info={'append_only': True}
    )
    op.create_index(op.f('deliveries_cycle_id_id_idx'), 'deliveries', ['cycle_id', 'id'], unique=False)
    op.create_index(op.f('deliveries_entitlement_id_idx'), 'deliveries', ['entitlement_id'], unique=False)
    op.create_index(op.f('deliveries_family_id_idx'), 'deliveries', ['family_id'], unique=False)
    op.create_index(op.f('deliveries_person_id_idx'), 'deliveries', ['person_id'], unique=False)
    op.create_index(op.f('deliveries_recorded_at_id_idx'), 'deliveries', ['recorded_at', 'id'], unique=False)
    op.create_table('delivery_returns',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('delivery_id', sa.Uuid(), nullable=False),
    sa.Column('quantity', sa.BigInteger(), nullable=False),
    sa.Column('value_idr', sa.BigInteger(), nullable=False),
    sa.Column('reason', AutoString(), nullable=False),
    sa.Column('returned_on', sa.Date(), nullable=False),
    sa.Column('recorded_by', AutoString(), nullable=False),
    sa.Column('recorded_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('quantity > 0', name=op.f('delivery_returns_quantity_check')),
    sa.ForeignKeyConstraint(['delivery_id'], ['deliveries.id'], name=op.f('delivery_returns_delivery_id_fkey')),
    sa.PrimaryKeyConstraint('id', name=op.f('delivery_returns_pkey')),
    info={'append_only': True}
    )
    op.create_index(op.f('delivery_returns_delivery_id_idx'), 'delivery_returns', ['delivery_id'], unique=False)
    for function in (POSTED, AGREES, REFUSE):
        op.execute(function)
    for trigger in TRIGGERS:
        op.execute(trigger)


def downgrade() -> None:
    raise NotImplementedError("the first migration has nothing before it")
