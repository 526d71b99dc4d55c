package staff

import (
	"slices"
	"unicode/utf8"

	"fumin/domain"
)

// Level is where a branch stands in the organisation (机构层级). A branch is always of a lower level than the one above it,
// so an organisation cannot go round in a circle.
type Level string

// The levels, from the top.
const (
	LevelHead         Level = "head"          // 总行
	LevelProvince     Level = "province"      // 省分行
	LevelCity         Level = "city"          // 市分行
	LevelCounty       Level = "county"        // 县支行
	LevelTownship     Level = "township"      // 乡镇分理处
	LevelServicePoint Level = "service_point" // 服务点
)

// Levels lists every level from the top.
func Levels() []Level {
	return []Level{LevelHead, LevelProvince, LevelCity, LevelCounty, LevelTownship, LevelServicePoint}
}

// Valid reports whether l is one of Levels.
func (l Level) Valid() bool { return slices.Contains(Levels(), l) }

// ParseLevel reads a level.
func ParseLevel(s string) (Level, error) {
	if l := Level(s); l.Valid() {
		return l, nil
	}
	return "", domain.BadValue("invalid-level", "机构层级应为 head、province、city、county、township 或 service_point")
}

// Branch is an office of the lender (机构、网点). Who belongs to it sees what is its own and what belongs to the branches
// below it.
type Branch struct {
	ID       domain.ID
	Code     string // 机构号, 1 to 20 letters, digits, - and _
	Name     string
	Level    Level
	ParentID domain.ID // zero at the top
}

// Limits of a branch's texts, and of the organisation, which is read at once.
const (
	CodeBytesMax = 20
	NameRunesMax = 100
	BranchesMax  = 5000
)

// Validate collects what is wrong with a branch by itself; Ancestry looks at how branches hang together.
func (b Branch) Validate() error {
	var p domain.Problems
	if !isCode(b.Code, CodeBytesMax) {
		p.Add("/code", "invalid-branch-code", "机构号应为 1 至 %d 个字母、数字、“-”或“_”", CodeBytesMax)
	}
	if n := utf8.RuneCountInString(b.Name); n < 1 || n > NameRunesMax {
		p.Add("/name", "name-length", "名称应为 1 至 %d 个字", NameRunesMax)
	}
	if !b.Level.Valid() {
		_, err := ParseLevel(string(b.Level))
		p.Check("/level", err)
	}
	if b.ID.IsZero() || b.ID == b.ParentID {
		p.Add("/id", "invalid-id", "机构须有自己的编号，且不能以自己为上级")
	}
	return p.Err()
}

func isCode(s string, bytesMax int) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case c >= '0' && c <= '9', c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c == '-', c == '_':
		default:
			return false
		}
	}
	return s != "" && len(s) <= bytesMax
}

// Ancestor says that one branch stands above another. Every branch counts as its own ancestor.
type Ancestor struct{ AncestorID, BranchID domain.ID }

// Ancestry lists every branch with each branch above it, in the order of the input and from the branch upwards: what a
// scope is looked up in. It refuses a parent that is missing ("unknown-parent") or not of a higher level ("parent-level").
func Ancestry(branches []Branch) ([]Ancestor, error) {
	byID := make(map[domain.ID]Branch, len(branches))
	for _, b := range branches {
		byID[b.ID] = b
	}
	var pairs []Ancestor
	for _, b := range branches {
		above := b
		for range Levels() { // the level rises with every step
			pairs = append(pairs, Ancestor{AncestorID: above.ID, BranchID: b.ID})
			if above.ParentID.IsZero() {
				break
			}
			parent, found := byID[above.ParentID]
			if !found {
				return nil, domain.Errorf(domain.KindInvalid, "unknown-parent", "机构 %s 的上级机构不存在", above.Code)
			}
			if slices.Index(Levels(), parent.Level) >= slices.Index(Levels(), above.Level) {
				return nil, domain.Errorf(domain.KindInvalid, "parent-level", "机构 %s 的上级 %s 应是更高的层级", above.Code, parent.Code)
			}
			above = parent
		}
	}
	return pairs, nil
}
