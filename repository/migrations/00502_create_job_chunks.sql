-- +goose Up
-- The file a job makes, in encrypted pieces, so that any node can serve it and neither writer nor reader holds all of it.
CREATE TABLE job_chunks (
  job_id  CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  attempt INT NOT NULL,
  number  INT NOT NULL,
  content MEDIUMBLOB NOT NULL,
  PRIMARY KEY (job_id, attempt, number),
  CONSTRAINT fk_job_chunks_job FOREIGN KEY (job_id) REFERENCES jobs (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
