package demodata

import (
	"strings"
	"testing"

	"fumin/domain/money"
)

func TestUnknownFieldsAndTrailingTextAreRefused(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, content string
		target        any
		want          string
	}{
		{"a misspelt term", `{"amount_maximum": "1.00"}`, new(termsEntry), "unknown field"},
		{"a misspelt field of a tier", `{"guarantee": [{"belo": "1.00"}]}`, new(termsEntry), "unknown field"},
		{"a misspelt field of a figure", `{"amount_max": {"value": "1.00", "smaple": true}}`, new(termsEntry), "unknown field"},
		{"a misspelt part of the file", `{"lrp": []}`, new(catalogueFile), "unknown field"},
		{"a misspelt field of a branch", `{"branches": [{"cod": "1"}]}`, new(organisationFile), "unknown field"},
		{"a password in the staff list", `{"staff": [{"password": "1"}]}`, new(organisationFile), "unknown field"},
		{"text after the value", `{} {}`, new(catalogueFile), errTrailing.Error()},
		{"an amount as a JSON number", `{"amount_max": 3000000}`, new(termsEntry), "number"},
		{"a third decimal", `{"amount_max": "1.001"}`, new(termsEntry), "too-many-decimals"},
		{"a term as text", `{"term_months_max": "60"}`, new(termsEntry), "string"},
		{"a day that does not exist", `{"lpr": [{"published_on": "2022-02-31"}]}`, new(catalogueFile), "invalid-date"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			err := decodeStrict([]byte(test.content), test.target)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("decodeStrict(%s) = %v, want an error with %q", test.content, err, test.want)
			}
		})
	}
}

func TestAFigureIsPlainOrMarkedAsASample(t *testing.T) {
	t.Parallel()
	for content, want := range map[string]figure[money.Amount]{
		`"0.50"`:                             {Value: money.MustParseAmount("0.50")},
		`{"value": "0.50"}`:                  {Value: money.MustParseAmount("0.50")},
		`{"value": "0.50", "sample": true}`:  {Value: money.MustParseAmount("0.50"), Sample: true},
		`{"value": "0.50", "sample": false}`: {Value: money.MustParseAmount("0.50")},
	} {
		var got figure[money.Amount]
		if err := decodeStrict([]byte(content), &got); err != nil || !got.Value.Equal(want.Value) || got.Sample != want.Sample {
			t.Errorf("figure of %s = %s, sample %v, %v; want %s, sample %v", content, got.Value, got.Sample, err, want.Value, want.Sample)
		}
	}
}

// spoiled reads the shipped file and lets a test break it.
func spoiled(t *testing.T, breakIt func(*catalogueFile)) error {
	t.Helper()
	var file catalogueFile
	if err := decodeFile("catalogue.json", &file); err != nil {
		t.Fatal(err)
	}
	breakIt(&file)
	_, err := file.contents()
	return err
}

func TestABrokenCatalogueIsRefused(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		breakIt func(*catalogueFile)
		want    string
	}{
		{"nothing broken", func(*catalogueFile) {}, ""},
		{"an override of no base", func(f *catalogueFile) { f.Products[0].Versions[1].BaseID = "" }, "overrides without a base"},
		{"a base that does not stand before", func(f *catalogueFile) { f.Products[0].Versions[1].BaseID = f.Products[1].Versions[0].ID }, "does not stand before"},
		{"a base without overrides", func(f *catalogueFile) { f.Products[0].Versions[1].Overrides = nil }, "overrides"},
		{"an override of an unknown term", func(f *catalogueFile) { f.Products[0].Versions[1].Overrides = []byte(`{"age_plus_trem_max": 64}`) }, "unknown field"},
		{"a version id that is no id", func(f *catalogueFile) { f.Products[0].Versions[0].ID = "1" }, "invalid-id"},
		{"a maker that is no id", func(f *catalogueFile) { f.MadeBy = "" }, "invalid-id"},
		{"an LPR row without an id", func(f *catalogueFile) { f.LPR[0].ID = "" }, "invalid-id"},
		{"two LPR rows for one day", func(f *catalogueFile) { f.LPR[1].PublishedOn = f.LPR[0].PublishedOn }, "invalid-fields"},
		{"a version twice", func(f *catalogueFile) { f.Products[0].Versions[1].ID = f.Products[0].Versions[0].ID }, "invalid-fields"},
		{"two versions for one region and day", func(f *catalogueFile) {
			copied := f.Products[2].Versions[0]
			copied.ID = "01900000-0000-7000-8000-002000000099"
			f.Products[2].Versions = append(f.Products[2].Versions, copied)
		}, "invalid-fields"},
		{"a kind of borrower without papers", func(f *catalogueFile) { delete(f.Documents, "farmer") }, "invalid-fields"},
		{"a parameter nobody knows", func(f *catalogueFile) { f.Parameters[0].Name = "x" }, "parameter x"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			err := spoiled(t, test.breakIt)
			if test.want == "" {
				if err != nil {
					t.Fatalf("catalogue: %v", err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("catalogue = %v, want an error with %q", err, test.want)
			}
		})
	}
}

func TestABrokenOrganisationIsRefused(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		breakIt func(*organisationFile)
	}{
		{"a region before its parent", func(f *organisationFile) { f.Regions[0], f.Regions[1] = f.Regions[1], f.Regions[0] }},
		{"a region that does not begin with its parent's code", func(f *organisationFile) { f.Regions[2].Parent = "3706" }},
		{"a region twice", func(f *organisationFile) { f.Regions = append(f.Regions, f.Regions[0]) }},
		{"a branch before its parent", func(f *organisationFile) { f.Branches[0], f.Branches[1] = f.Branches[1], f.Branches[0] }},
		{"a branch that serves an unknown region", func(f *organisationFile) { f.Branches[1].Regions = []string{"99"} }},
		{"a branch of an unknown level", func(f *organisationFile) { f.Branches[1].Level = "moon" }},
		{"a branch twice", func(f *organisationFile) { f.Branches = append(f.Branches, f.Branches[0]) }},
		{"a username twice", func(f *organisationFile) { f.Staff[1].Username = f.Staff[0].Username }},
		{"a role nobody has", func(f *organisationFile) { f.Staff[0].Role = "king" }},
		{"a branch nobody knows", func(f *organisationFile) { f.Staff[0].Branch = "9" }},
		{"an id that is no id", func(f *organisationFile) { f.Staff[0].ID = "9" }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			file, err := readOrganisation()
			if err != nil {
				t.Fatal(err)
			}
			test.breakIt(&file)
			_, regionErr := file.regions()
			_, branchErr := file.branches()
			_, staffErr := file.staff()
			if regionErr == nil && branchErr == nil && staffErr == nil {
				t.Error("accepted")
			}
		})
	}
}
