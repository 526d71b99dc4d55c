-- +goose Up
ALTER TABLE disbursements
  ADD CONSTRAINT ck_disbursements_status CHECK (status IN
    ('requested','released','sending','unknown','succeeded','partly_succeeded','failed','cancelled'));
