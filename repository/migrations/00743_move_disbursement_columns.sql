-- +goose Up
-- These are the transfers' now (00740, copied by 00741). A program older than this one stops at the missing columns.
ALTER TABLE disbursements
  DROP COLUMN payee_name,
  DROP COLUMN payee_account_cipher,
  DROP COLUMN payee_bank_name,
  DROP COLUMN live_application_id,
  DROP COLUMN sent_at,
  DROP COLUMN channel_reference,
  DROP COLUMN failure_code,
  DROP COLUMN failure_reason,
  DROP COLUMN work_due_at,
  DROP COLUMN attempts,
  DROP COLUMN last_error,
  ADD COLUMN tranche SMALLINT NOT NULL DEFAULT 0 AFTER borrower_id;
