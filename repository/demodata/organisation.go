package demodata

import (
	"fmt"
	"strings"

	"fumin/domain"
	"fumin/domain/product"
)

// Region is an administrative region (行政区划). Synthetic marks a code made for the demo; the others are GB/T 2260.
type Region struct {
	Code       string
	Name       string
	ParentCode string // empty for a province
	Synthetic  bool
}

// Branch is an office of the demo lender (机构).
type Branch struct {
	ID          domain.ID
	Code        string
	Name        string
	Level       string // city, county, township, service_point
	ParentCode  string // empty for the head of the tree
	RegionCodes []string
}

// Staff is a member of the demo lender's staff. There is no password here: the demo command makes or prints one.
type Staff struct {
	ID         domain.ID
	Username   string
	Name       string
	Role       domain.Role
	BranchCode string
	// GuaranteeCompanyCode is the company of a guarantee officer; empty for everybody else.
	GuaranteeCompanyCode string
}

// BranchLevels lists the levels of branches from the top down.
func BranchLevels() []string { return []string{"city", "county", "township", "service_point"} }

type organisationFile struct {
	Note    string `json:"note"`
	Regions []struct {
		Code      string `json:"code"`
		Name      string `json:"name"`
		Parent    string `json:"parent"`
		Synthetic bool   `json:"synthetic"`
	} `json:"regions"`
	Branches []struct {
		ID      string   `json:"id"`
		Code    string   `json:"code"`
		Name    string   `json:"name"`
		Level   string   `json:"level"`
		Parent  string   `json:"parent"`
		Regions []string `json:"regions"`
	} `json:"branches"`
	Staff []struct {
		ID       string `json:"id"`
		Username string `json:"username"`
		Name     string `json:"name"`
		Role     string `json:"role"`
		Branch   string `json:"branch"`
		Company  string `json:"guarantee_company"`
	} `json:"staff"`
}

func readOrganisation() (organisationFile, error) {
	var file organisationFile
	err := decodeFile("organisation.json", &file)
	return file, err
}

// Regions returns the administrative regions, each after its parent.
func Regions() ([]Region, error) {
	file, err := readOrganisation()
	if err != nil {
		return nil, err
	}
	return file.regions()
}

func (file organisationFile) regions() ([]Region, error) {
	regions := make([]Region, 0, len(file.Regions))
	seen := map[string]bool{"": true}
	for _, r := range file.Regions {
		switch {
		case !product.ValidRegionPrefix(r.Code) || seen[r.Code] || r.Name == "":
			return nil, fmt.Errorf("demodata: region %q is invalid or stands twice", r.Code)
		case !seen[r.Parent] || !strings.HasPrefix(r.Code, r.Parent):
			return nil, fmt.Errorf("demodata: region %q does not follow its parent %q", r.Code, r.Parent)
		}
		seen[r.Code] = true
		regions = append(regions, Region{Code: r.Code, Name: r.Name, ParentCode: r.Parent, Synthetic: r.Synthetic})
	}
	return regions, nil
}

// Branches returns the demo lender's branches, each after its parent.
func Branches() ([]Branch, error) {
	file, err := readOrganisation()
	if err != nil {
		return nil, err
	}
	return file.branches()
}

func (file organisationFile) branches() ([]Branch, error) {
	regions := make(map[string]bool, len(file.Regions))
	for _, r := range file.Regions {
		regions[r.Code] = true
	}
	levels := make(map[string]bool)
	for _, level := range BranchLevels() {
		levels[level] = true
	}
	branches := make([]Branch, 0, len(file.Branches))
	seen := map[string]bool{"": true}
	for _, b := range file.Branches {
		id, err := domain.ParseID(b.ID)
		if err != nil || b.Code == "" || b.Name == "" || seen[b.Code] || !levels[b.Level] {
			return nil, fmt.Errorf("demodata: branch %q is invalid or stands twice", b.Code)
		}
		if !seen[b.Parent] {
			return nil, fmt.Errorf("demodata: branch %q does not follow its parent %q", b.Code, b.Parent)
		}
		for _, region := range b.Regions {
			if !regions[region] {
				return nil, fmt.Errorf("demodata: branch %q serves the unknown region %q", b.Code, region)
			}
		}
		seen[b.Code] = true
		branches = append(branches, Branch{ID: id, Code: b.Code, Name: b.Name, Level: b.Level, ParentCode: b.Parent, RegionCodes: b.Regions})
	}
	return branches, nil
}

// StaffMembers returns the demo lender's staff.
func StaffMembers() ([]Staff, error) {
	file, err := readOrganisation()
	if err != nil {
		return nil, err
	}
	return file.staff()
}

func (file organisationFile) staff() ([]Staff, error) {
	branches := make(map[string]bool, len(file.Branches))
	for _, b := range file.Branches {
		branches[b.Code] = true
	}
	members := make([]Staff, 0, len(file.Staff))
	seen := make(map[string]bool, len(file.Staff))
	for _, s := range file.Staff {
		id, err := domain.ParseID(s.ID)
		role := domain.Role(s.Role)
		if err != nil || s.Username == "" || s.Name == "" || seen[s.Username] || !role.Valid() {
			return nil, fmt.Errorf("demodata: staff member %q is invalid or stands twice", s.Username)
		}
		if !branches[s.Branch] {
			return nil, fmt.Errorf("demodata: staff member %q works at the unknown branch %q", s.Username, s.Branch)
		}
		if (role == domain.RoleGuaranteeOfficer) != (s.Company != "") {
			return nil, fmt.Errorf("demodata: staff member %q: a guarantee officer, and nobody else, works for a guarantee company", s.Username)
		}
		seen[s.Username] = true
		members = append(members, Staff{ID: id, Username: s.Username, Name: s.Name, Role: role, BranchCode: s.Branch, GuaranteeCompanyCode: s.Company})
	}
	return members, nil
}
