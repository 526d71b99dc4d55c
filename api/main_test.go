package api_test

import (
	"testing"

	"fumin/repository/localdb"
)

func TestMain(m *testing.M) { localdb.Main(m) }
