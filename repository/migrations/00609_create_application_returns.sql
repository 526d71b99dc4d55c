-- +goose Up
-- What an approver found missing when he returned a case (退回补正), round by round.
CREATE TABLE application_returns (
  id             CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  application_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  branch_id      CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  decision_id    CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  reason         VARCHAR(500) NOT NULL,
  items          JSON NOT NULL,
  returned_by    CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  returned_at    DATETIME(6) NOT NULL,
  PRIMARY KEY (id),
  KEY ix_application_returns_application (application_id, id),
  CONSTRAINT fk_application_returns_application FOREIGN KEY (application_id) REFERENCES applications (id),
  CONSTRAINT fk_application_returns_branch FOREIGN KEY (branch_id) REFERENCES branches (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
