-- +goose Up
-- The cases that were granted before there were exposures tie up what was approved.
INSERT INTO exposures (application_id, household_id, borrower_id, branch_id, product_code, amount, state, approved_at, updated_at)
SELECT id, household_id, borrower_id, branch_id, product_code, approved_amount,
  IF(status = 'approved', 'reserved', 'committed'), IF(status = 'approved', approved_at, NULL), updated_at
FROM applications WHERE status IN ('approved','signed','disbursed','closed');
