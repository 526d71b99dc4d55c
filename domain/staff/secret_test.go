package staff_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"fumin/domain/staff"
)

func TestASecretIsNeverPrinted(t *testing.T) {
	t.Parallel()
	const text = "correct horse battery"
	type command struct {
		Name     string
		Password staff.Secret
		inner    struct{ password staff.Secret }
	}
	cmd := command{Name: "a", Password: staff.NewSecret(text)}
	cmd.inner.password = staff.NewSecret(text)
	hash := staff.PasswordHash{Secret: staff.NewSecret(text)}

	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "secret", cmd.Password, "command", cmd, "hash", hash)
	encoded, err := json.Marshal(cmd)
	if err != nil {
		t.Fatal(err)
	}
	printed := []string{log.String(), string(encoded)}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%p", "%T"} {
		printed = append(printed, fmt.Sprintf(verb, cmd.Password), fmt.Sprintf(verb, cmd), fmt.Sprintf(verb, &cmd), fmt.Sprintf(verb, hash),
			fmt.Sprintf(verb, []staff.Secret{cmd.Password}), fmt.Sprintf(verb, fmt.Errorf("failed: %v", cmd)))
	}
	for _, p := range printed {
		for _, leak := range []string{"correct", "battery", fmt.Sprintf("%x", text), fmt.Sprintf("%X", text)} {
			if strings.Contains(p, leak) {
				t.Errorf("%q shows %q of the secret", p, leak)
			}
		}
	}
	if got := cmd.Password.Reveal(); got != text {
		t.Errorf("Reveal() = %q, want %q", got, text)
	}
}

func TestSecretsAreEqualWhenTheirTextsAre(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		a, b staff.Secret
		want bool
	}{
		{staff.NewSecret("abc"), staff.NewSecret("abc"), true},
		{staff.NewSecret("abc"), staff.NewSecret("abd"), false},
		{staff.NewSecret("abc"), staff.NewSecret("abcd"), false},
		{staff.Secret{}, staff.NewSecret(""), true},
		{staff.Secret{}, staff.NewSecret("a"), false},
	} {
		if got := c.a.Equal(c.b); got != c.want {
			t.Errorf("%q.Equal(%q) = %t, want %t", c.a.Reveal(), c.b.Reveal(), got, c.want)
		}
	}
}
