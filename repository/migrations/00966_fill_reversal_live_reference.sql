-- +goose Up
-- Of several that were entered for one return before, one has the key: the first that was confirmed, else the first. The others
-- stay as they are, without a key; one of them that still waits can only be rejected, because its confirmation would take the key.
UPDATE reversals JOIN (
  SELECT SUBSTRING(MIN(CONCAT(IF(status = 'confirmed', '0', '1'), id)), 2) AS id
  FROM reversals WHERE status <> 'rejected' GROUP BY transfer_id, channel_reference
) counted ON counted.id = reversals.id
SET reversals.live_reference = reversals.channel_reference;
