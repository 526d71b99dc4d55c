-- +goose Up
-- What one application may be paid is no longer one live payment, but what its contract has free; and a disbursement's status
-- may be partly_succeeded (see 00744).
ALTER TABLE disbursements
  DROP CONSTRAINT ck_disbursements_status,
  DROP CONSTRAINT ck_disbursements_live,
  DROP INDEX uk_disbursements_live_application,
  DROP INDEX ix_disbursements_work;
