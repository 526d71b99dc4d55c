-- +goose Up
-- Every branch with each branch above it, and itself: a scope is one lookup here, however deep the organisation is.
CREATE TABLE branch_ancestors (
  ancestor_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  branch_id   CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  PRIMARY KEY (ancestor_id, branch_id),
  KEY ix_branch_ancestors_branch (branch_id),
  CONSTRAINT fk_branch_ancestors_ancestor FOREIGN KEY (ancestor_id) REFERENCES branches (id),
  CONSTRAINT fk_branch_ancestors_branch FOREIGN KEY (branch_id) REFERENCES branches (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
