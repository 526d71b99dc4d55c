-- +goose Up
-- The schedule of a note, from the day its money arrived.
CREATE TABLE loan_note_instalments (
  note_id         CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  number          INT NOT NULL,
  branch_id       CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  due_on          DATE NOT NULL,
  days            INT NOT NULL,
  opening_balance DECIMAL(18,2) NOT NULL,
  principal       DECIMAL(18,2) NOT NULL,
  interest        DECIMAL(18,2) NOT NULL,
  fees            DECIMAL(18,2) NOT NULL,
  total           DECIMAL(18,2) NOT NULL,
  closing_balance DECIMAL(18,2) NOT NULL,
  PRIMARY KEY (note_id, number),
  CONSTRAINT fk_loan_note_instalments_note FOREIGN KEY (note_id) REFERENCES loan_notes (id),
  CONSTRAINT ck_loan_note_instalments_total CHECK (total = principal + interest + fees AND closing_balance = opening_balance - principal)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
