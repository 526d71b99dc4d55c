-- +goose Up
-- What a program may do: act for borrowers, or report repayments. Those that are there act for borrowers.
ALTER TABLE service_accounts
  ADD COLUMN kind VARCHAR(20) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT 'borrower_channel',
  ADD CONSTRAINT ck_service_accounts_kind CHECK (kind IN ('borrower_channel','core_system'));
