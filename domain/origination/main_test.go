package origination_test

import (
	"flag"
	"fmt"
	"os"
	"testing"

	"fumin/repository/localdb"
)

// checksOfSuite is how many random sequences the suite tries, each of thirty steps on the database. -rapid.checks asks for
// more; the command line is read after this.
const checksOfSuite = "6"

func TestMain(m *testing.M) {
	if err := flag.Set("rapid.checks", checksOfSuite); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	localdb.Main(m)
}
