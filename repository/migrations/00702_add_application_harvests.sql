-- +goose Up
-- The harvests after which principal is repaid (按收获季还款): one document, read and written with its application.
ALTER TABLE applications ADD COLUMN harvests JSON NULL AFTER repayment_method;
