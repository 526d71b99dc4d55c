package staff_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"fumin/domain"
	"fumin/domain/staff"
)

// numberedID returns the nth of ids that sort as their numbers.
func numberedID(n int) domain.ID {
	return domain.MustParseID(fmt.Sprintf("01900000-0000-7000-8000-%012d", n))
}

func branch(n, parent int, level staff.Level) staff.Branch {
	b := staff.Branch{ID: numberedID(n), Code: fmt.Sprintf("B%d", n), Name: fmt.Sprintf("机构%d", n), Level: level}
	if parent > 0 {
		b.ParentID = numberedID(parent)
	}
	return b
}

func TestAncestryListsEveryBranchAboveAndItself(t *testing.T) {
	t.Parallel()
	got, err := staff.Ancestry([]staff.Branch{ // a child may stand before its parent
		branch(3, 2, staff.LevelTownship),
		branch(1, 0, staff.LevelCity),
		branch(2, 1, staff.LevelCounty),
		branch(4, 1, staff.LevelServicePoint), // a level may be skipped
	})
	if err != nil {
		t.Fatal(err)
	}
	pair := func(above, below int) staff.Ancestor {
		return staff.Ancestor{AncestorID: numberedID(above), BranchID: numberedID(below)}
	}
	want := []staff.Ancestor{pair(3, 3), pair(2, 3), pair(1, 3), pair(1, 1), pair(2, 2), pair(1, 2), pair(4, 4), pair(1, 4)}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Ancestry (-want +got):\n%s", diff)
	}
}

func TestAncestryRefusesWhatIsNoTree(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		branches []staff.Branch
		want     string
	}{
		"a parent that is not there":    {[]staff.Branch{branch(1, 9, staff.LevelCounty)}, "unknown-parent"},
		"two branches above each other": {[]staff.Branch{branch(1, 2, staff.LevelCounty), branch(2, 1, staff.LevelCity)}, "parent-level"},
		"a parent of the same level":    {[]staff.Branch{branch(1, 0, staff.LevelCounty), branch(2, 1, staff.LevelCounty)}, "parent-level"},
		"a branch above itself":         {[]staff.Branch{branch(1, 1, staff.LevelCounty)}, "parent-level"},
	} {
		_, err := staff.Ancestry(c.branches)
		if got := domain.CodeOf(err); got != c.want {
			t.Errorf("%s: code %q, want %q", name, got, c.want)
		}
	}
}

// Any tree: a branch's ancestors are itself, its parent and its parent's ancestors.
func TestAncestryIsTheTransitiveClosure(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		levels := staff.Levels()
		var branches []staff.Branch
		depth := map[int]int{}
		for n := 1; n <= rapid.IntRange(1, 30).Draw(t, "branches"); n++ {
			parent := rapid.IntRange(0, n-1).Draw(t, "parent")
			if parent > 0 && depth[parent] == len(levels)-1 {
				parent = 0
			}
			if parent > 0 {
				depth[n] = depth[parent] + 1
			}
			branches = append(branches, branch(n, parent, levels[depth[n]]))
		}
		pairs, err := staff.Ancestry(branches)
		if err != nil {
			t.Fatal(err)
		}
		above := map[domain.ID]map[domain.ID]bool{}
		for _, p := range pairs {
			if above[p.BranchID] == nil {
				above[p.BranchID] = map[domain.ID]bool{}
			}
			if above[p.BranchID][p.AncestorID] {
				t.Fatalf("pair %+v stands twice", p)
			}
			above[p.BranchID][p.AncestorID] = true
		}
		for _, b := range branches {
			want := map[domain.ID]bool{b.ID: true}
			for id := range above[b.ParentID] {
				want[id] = true
			}
			if diff := cmp.Diff(want, above[b.ID]); diff != "" {
				t.Fatalf("above %s (-want +got):\n%s", b.Code, diff)
			}
		}
	})
}

func TestABranchIsValidatedWhole(t *testing.T) {
	t.Parallel()
	if err := branch(1, 0, staff.LevelHead).Validate(); err != nil {
		t.Errorf("a valid branch: %v", err)
	}
	bad := staff.Branch{ID: numberedID(1), ParentID: numberedID(1), Code: "3 7", Name: strings.Repeat("行", staff.NameRunesMax+1), Level: "village"}
	if diff := cmp.Diff([]string{"/code invalid-branch-code", "/name name-length", "/level invalid-level", "/id invalid-id"}, fields(bad.Validate())); diff != "" {
		t.Errorf("a branch with everything wrong (-want +got):\n%s", diff)
	}
}
