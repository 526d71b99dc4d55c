package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"fumin/repository/localdb"
)

// fumin runs the program to its end with these settings and nothing else of the environment.
func fumin(ctx context.Context, t *testing.T, input string, settings []string, arguments ...string) (output string, ended error) {
	t.Helper()
	command := exec.CommandContext(ctx, program, arguments...)
	command.Env = append([]string{"PATH=" + os.Getenv("PATH")}, settings...)
	command.Stdin = strings.NewReader(input)
	combined, err := command.CombinedOutput()
	return string(combined), err
}

func TestTheProgramRefusesAConfigurationItDoesNotUnderstand(t *testing.T) {
	t.Parallel()
	missing := filepath.Join(t.TempDir(), "no-such-file")
	for name, c := range map[string]struct {
		settings []string
		command  string
		want     []string
	}{
		"an unknown name":       {[]string{"FUMIN_LISTN=127.0.0.1:1"}, "serve", []string{"FUMIN_LISTN: no such setting"}},
		"nothing set":           {nil, "serve", []string{"FUMIN_CHANNEL_SECRET, FUMIN_CHANNEL_URL, FUMIN_DSN, FUMIN_KEYSET, FUMIN_TOKEN_KEY", "fumin demo"}},
		"several wrong at once": {[]string{"FUMIN_WORKERS=perhaps", "FUMIN_LOG_LEVEL=loud", "FUMIN_TOKEN_KEY=xyz"}, "serve", []string{"FUMIN_WORKERS", "FUMIN_LOG_LEVEL", "FUMIN_TOKEN_KEY"}},
		"wrong values and missing ones at once": {
			[]string{"FUMIN_KEYSET={}", "FUMIN_TOKEN_KEY=abcd", "FUMIN_CHANNEL_URL=http://channel.example/pay", "FUMIN_CHANNEL_SECRET=abcd", "FUMIN_CHANNEL_KEY_ID=a b"},
			"serve",
			[]string{"not set: FUMIN_DSN (", "FUMIN_KEYSET: keyset file", "FUMIN_TOKEN_KEY: token key: 2 bytes", "FUMIN_CHANNEL_URL: channel", "FUMIN_CHANNEL_SECRET, FUMIN_CHANNEL_KEY_ID: channel"},
		},
		"an unreadable value among wrong ones": {
			[]string{"FUMIN_DSN=not a dsn", "FUMIN_TOKEN_KEY=xyz", "FUMIN_KEYSET_FILE=" + missing, "FUMIN_WORKERS=perhaps"},
			"serve",
			[]string{"not set: FUMIN_CHANNEL_SECRET, FUMIN_CHANNEL_URL (", "FUMIN_DSN cannot be read", "FUMIN_TOKEN_KEY: not hexadecimal", "FUMIN_KEYSET_FILE", "FUMIN_WORKERS"},
		},
		"another way of paying": {
			[]string{"FUMIN_CHANNEL=ftp"},
			"serve",
			[]string{`FUMIN_CHANNEL: "ftp" is neither http (messages to FUMIN_CHANNEL_URL) nor file (payment files that people make and bring to the bank)`},
		},
		"the way of paying in capitals": {[]string{"FUMIN_CHANNEL=HTTP"}, "serve", []string{`FUMIN_CHANNEL: "HTTP" is neither http`}},
		"payment by file by nobody": {
			[]string{"FUMIN_CHANNEL=file", "FUMIN_DEBTOR_BANK=聊城农商银行营业部"},
			"serve",
			[]string{"not set: FUMIN_DEBTOR_ACCOUNT, FUMIN_DEBTOR_NAME, FUMIN_DSN, FUMIN_KEYSET, FUMIN_TOKEN_KEY ("},
		},
		"payment by message to nobody": {[]string{"FUMIN_CHANNEL=http"}, "serve", []string{"not set: FUMIN_CHANNEL_SECRET, FUMIN_CHANNEL_URL, FUMIN_DSN,"}},
		"a secret's file absent":       {[]string{"FUMIN_KEYSET_FILE=" + missing}, "serve", []string{"FUMIN_KEYSET_FILE"}},
		"no database to migrate":       {nil, "migrate", []string{"FUMIN_DSN"}},
		"an unreadable DSN":            {[]string{"FUMIN_DSN=not a dsn"}, "migrate", []string{"FUMIN_DSN cannot be read"}},
		"no such command":              {nil, "dance", []string{`no command "dance"`, "fumin serve"}},
	} {
		output, err := fumin(t.Context(), t, "", c.settings, c.command)
		if err == nil {
			t.Errorf("%s: the program ended well:\n%s", name, output)
		}
		for _, want := range c.want {
			if !strings.Contains(output, want) {
				t.Errorf("%s: the message lacks %q:\n%s", name, want, output)
			}
		}
		if strings.Contains(output, "goroutine ") {
			t.Errorf("%s: the message shows a stack:\n%s", name, output)
		}
	}
}

// ruleSetFiles writes a lender's own file of rule sets, and one with a fact that does not exist.
func ruleSetFiles(t *testing.T) (own, broken string) {
	t.Helper()
	const file = `{"made_by": "01900000-0000-7000-8000-000300000002", "activated_by": "01900000-0000-7000-8000-000300000003", "active_groups": ["all"],
		"groups": [{"name": "all", "rules": [{"code": "amount-above-maximum", "passes": "amount <= 100000", "otherwise": "decline",
			"reason": "申请金额过高", "passed": "申请金额合适", "suggestion": "申请金额最高 100000 元"}]}],
		"sets": [{"id": "01900000-0000-7000-8000-005000000091", "region_prefix": "37", "effective_from": "2026-01-01", "title": "本行规则"}]}`
	own, broken = filepath.Join(t.TempDir(), "own.json"), filepath.Join(t.TempDir(), "broken.json")
	for path, content := range map[string]string{own: file, broken: strings.Replace(file, "amount <= 100000", "no_such_fact", 1)} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return own, broken
}

// An operator's way to a first login on a server of his own: keys, migrate (twice), serve refuses before it, user add.
func TestAFreshDatabaseIsMigratedAndGivenItsFirstUser(t *testing.T) {
	t.Parallel()
	ctx := testContext(t)
	server, err := localdb.Start(ctx, localdb.Options{Throwaway: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
	if err := server.CreateDatabase(ctx, "fumin"); err != nil {
		t.Fatal(err)
	}
	keyset, err := fumin(ctx, t, "", nil, "keys", "new")
	if err != nil {
		t.Fatalf("keys new: %v\n%s", err, keyset)
	}
	keysetFile := filepath.Join(t.TempDir(), "keyset.json")
	if err := os.WriteFile(keysetFile, []byte(keyset), 0o600); err != nil {
		t.Fatal(err)
	}
	settings := []string{
		"FUMIN_DSN=" + server.DSN("fumin"), "FUMIN_KEYSET_FILE=" + keysetFile, "FUMIN_TOKEN_KEY=" + strings.Repeat("ab", 32),
		"FUMIN_CHANNEL_URL=http://127.0.0.1:9", "FUMIN_CHANNEL_SECRET=" + strings.Repeat("cd", 32), "FUMIN_LISTEN=127.0.0.1:0",
	}
	ownRules, brokenRules := ruleSetFiles(t)

	steps := []struct {
		input     string
		arguments []string
		wellEnded bool
		want      string
	}{
		{"", []string{"serve"}, false, "run `fumin migrate` first"},
		{"", []string{"migrate"}, true, "migrations applied now"},
		{"", []string{"migrate"}, true, "; 0 migrations applied now"},
		{"correct horse battery\n", []string{"user", "add", "admin", "赵文静", "admin", "3715"}, false, "branch_code"}, // no such branch yet
		{"", []string{"branch", "add", "3715", "聊城分行", "city"}, true, "branch 3715 is there"},
		{"", []string{"branch", "add", "371503", "茌平支行", "county", "3715"}, true, "branch 371503 is there"},
		{"", []string{"branch", "add", "371503", "茌平支行", "kingdom", "3715"}, false, "level"},
		{"short\n", []string{"user", "add", "admin", "赵文静", "admin", "3715"}, false, "password"},
		{"correct horse battery\n", []string{"user", "add", "admin", "赵文静", "admin", "3715"}, true, "user admin is there"},
		{"", []string{"user", "add"}, false, "usage: fumin user add"},
		{"", []string{"service-account", "add", "mobile-app", "手机银行"}, true, "client_id mobile-app\nclient_secret "},
		{"", []string{"service-account", "add", "mobile-app", "手机银行"}, false, "client-id-taken"},
		{"", []string{"service-account", "add", "mobile app", "手机银行"}, false, "client_id"},
		{"", []string{"service-account", "deactivate", "mobile-app"}, true, "service account mobile-app gets no more tokens"},
		{"", []string{"service-account", "deactivate", "nobody"}, false, "service-account-not-found"},
		{"", []string{"service-account", "add"}, false, "usage: fumin service-account add"},
		{"", []string{"rule-set", "load"}, false, "usage: fumin rule-set load"},
		{"", []string{"rule-set", "load", "shipped"}, false, "product"}, // the products they are for are not there
		{"", []string{"rule-set", "load", brokenRules}, false, "no_such_fact"},
		{"", []string{"rule-set", "load", filepath.Join(t.TempDir(), "absent.json")}, false, "open the rule sets"},
		{"", []string{"rule-set", "load", ownRules}, true, "the rule sets are there"},
		{"", []string{"rule-set", "load", ownRules}, true, "existing ones are left as they were"},
	}
	for _, step := range steps {
		output, err := fumin(ctx, t, step.input, settings, step.arguments...)
		if (err == nil) != step.wellEnded || !strings.Contains(output, step.want) {
			t.Errorf("fumin %s: %v, want well ended %t with %q:\n%s", strings.Join(step.arguments, " "), err, step.wellEnded, step.want, output)
		}
		if slices.Contains(step.arguments, "user") && strings.Contains(output, "correct horse") {
			t.Errorf("the password is in the output:\n%s", output)
		}
	}

	otherKeyset, err := fumin(ctx, t, "", nil, "keys", "new")
	if err != nil {
		t.Fatalf("keys new: %v\n%s", err, otherKeyset)
	}
	otherSettings := append([]string{"FUMIN_KEYSET=" + otherKeyset}, slices.DeleteFunc(slices.Clone(settings), func(s string) bool {
		return strings.HasPrefix(s, "FUMIN_KEYSET_FILE=")
	})...)
	for _, command := range []string{"serve", "branch add 371504 东阿支行 county 3715"} {
		output, err := fumin(ctx, t, "", otherSettings, strings.Fields(command)...)
		if err == nil || !strings.Contains(output, "the keyset does not belong to this database") {
			t.Errorf("fumin %s with another keyset: %v\n%s", command, err, output)
		}
	}
}
