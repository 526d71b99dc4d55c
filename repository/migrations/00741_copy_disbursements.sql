-- +goose Up
-- Every payment so far had one payee, the borrower. Its transfer keeps its id, because the channel knows it by that, and its
-- sealed account as it is. Its versions begin where no event of the disbursement of the same id will ever be.
INSERT INTO transfers (id, disbursement_id, application_id, branch_id, borrower_id, number, method, amount, reversed_amount,
  payee_name, payee_account_cipher, payee_account_last4, payee_bank_name, document_reference, document_sha256,
  status, sent_at, settled_at, channel_reference, failure_code, failure_reason, work_due_at, attempts, last_error, version)
SELECT id, id, application_id, branch_id, borrower_id, 1, 'self_payment', amount, 0.00,
  payee_name, payee_account_cipher, '', payee_bank_name, '', '',
  status, sent_at, settled_at, channel_reference, failure_code, failure_reason, work_due_at, attempts, last_error, version + 1000000
FROM disbursements;
