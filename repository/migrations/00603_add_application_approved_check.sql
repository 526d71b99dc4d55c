-- +goose Up
ALTER TABLE applications ADD CONSTRAINT ck_applications_approved CHECK (status NOT IN ('approved','signed','disbursed','closed')
  OR (approved_amount IS NOT NULL AND approved_amount > 0 AND (approved_amount <= amount OR approved_override_reason <> '')));
