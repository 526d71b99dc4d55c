-- +goose Up
-- Votes of the review committee (贷审会表决): one a member and round, never changed.
CREATE TABLE committee_votes (
  id             CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  application_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  branch_id      CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  decision_id    CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  authority_id   CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  member_id      CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  amount         DECIMAL(18,2) NOT NULL,
  in_favour      BOOLEAN NOT NULL,
  reason         VARCHAR(500) NOT NULL,
  cast_at        DATETIME(6) NOT NULL,
  PRIMARY KEY (id),
  CONSTRAINT uk_committee_votes_member UNIQUE (application_id, decision_id, member_id),
  CONSTRAINT fk_committee_votes_application FOREIGN KEY (application_id) REFERENCES applications (id),
  CONSTRAINT fk_committee_votes_branch FOREIGN KEY (branch_id) REFERENCES branches (id),
  CONSTRAINT fk_committee_votes_authority FOREIGN KEY (authority_id) REFERENCES approval_authorities (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
