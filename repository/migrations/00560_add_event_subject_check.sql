-- +goose Up
ALTER TABLE events ADD CONSTRAINT ck_events_subject CHECK (subject IN
  ('application','disbursement','transfer','reversal','hold','task','vote','site_visit','signature','guarantee','line','loan_note','repayment','renewal','document','enquiry'));
