-- +goose Up
-- What a contract freezes beside its price. Paper contracts recorded before this had none of it, and say so with the defaults.
ALTER TABLE contracts
  ADD COLUMN apr_after_subsidy_pct VARCHAR(32) NOT NULL DEFAULT '' AFTER apr_effective_pct,
  ADD COLUMN subsidy_total DECIMAL(18,2) NOT NULL DEFAULT 0 AFTER fees_upfront,
  ADD COLUMN spread_pct DECIMAL(9,6) NOT NULL DEFAULT 0 AFTER annual_rate_pct,
  ADD COLUMN guarantee_kind VARCHAR(20) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT 'credit' AFTER subsidy_total,
  ADD COLUMN guarantee_fee_pct DECIMAL(9,6) NOT NULL DEFAULT 0 AFTER guarantee_kind,
  ADD COLUMN payment_method VARCHAR(20) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT 'self_payment' AFTER guarantee_fee_pct,
  ADD COLUMN text_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL AFTER payment_method,
  ADD COLUMN document_sha256 CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NULL AFTER text_id,
  ADD COLUMN cooling_off_hours SMALLINT NOT NULL DEFAULT 0 AFTER document_sha256,
  ADD COLUMN cooling_off_waivable BOOLEAN NOT NULL DEFAULT FALSE AFTER cooling_off_hours,
  ADD CONSTRAINT ck_contracts_payment_method CHECK (payment_method IN ('self_payment','entrusted_payment')),
  ADD CONSTRAINT ck_contracts_signed CHECK ((text_id IS NULL) = (document_sha256 IS NULL)),
  ADD CONSTRAINT ck_contracts_cooling_off CHECK (cooling_off_hours BETWEEN 0 AND 720);
