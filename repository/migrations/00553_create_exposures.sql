-- +goose Up
-- What each application ties up of the limits. household_id and borrower_id are those the application was opened for and
-- never change. approved_at is there only while the approval waits for a signature: the worker that ends old approvals
-- walks its index.
CREATE TABLE exposures (
  application_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  household_id   CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
  borrower_id    CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  branch_id      CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  product_code   VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  amount         DECIMAL(18,2) NOT NULL,
  state          VARCHAR(20) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  approved_at    DATETIME(6) NULL,
  updated_at     DATETIME(6) NOT NULL,
  PRIMARY KEY (application_id),
  KEY ix_exposures_household (household_id, application_id),
  KEY ix_exposures_borrower (borrower_id, application_id),
  KEY ix_exposures_approved (approved_at, application_id),
  CONSTRAINT fk_exposures_application FOREIGN KEY (application_id) REFERENCES applications (id),
  CONSTRAINT ck_exposures_state CHECK (state IN ('reserved','committed','released')),
  CONSTRAINT ck_exposures_amount CHECK (amount >= 0),
  CONSTRAINT ck_exposures_released CHECK ((state = 'released') = (amount = 0)),
  CONSTRAINT ck_exposures_approved CHECK ((state = 'reserved') = (approved_at IS NOT NULL))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
