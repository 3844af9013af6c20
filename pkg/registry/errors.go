package registry

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"unicode"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// ErrNotFound is what an error is when the registry answers that it has no such
// image.
var ErrNotFound = errors.New("the registry has no such image")

// Error says what went wrong with an image, and what to do.
type Error struct {
	Image string
	Text  string // without secrets
	cause error  // what errors.Is finds; its text may have secrets
}

// Error names the image first.
func (e *Error) Error() string { return e.Image + ": " + e.Text }

// Is finds [ErrNotFound] and the end of a context.
func (e *Error) Is(target error) bool {
	return e.cause != nil && errors.Is(e.cause, target)
}

func badName(image string, err error) error {
	return &Error{Image: image, Text: fmt.Sprintf("not the name of an image (%v)", err)}
}

// explain says in our words what went wrong. The text of other errors has
// addresses in it, and these may have secrets.
func (c *Client) explain(ctx context.Context, image string, err error) error {
	if own, ok := errors.AsType[*Error](err); ok {
		return own
	}
	if cause := context.Cause(ctx); cause != nil {
		return &Error{Image: image, Text: "interrupted", cause: cause}
	}
	host := hostOf(image)
	if answer, ok := errors.AsType[*transport.Error](err); ok {
		text, cause := c.answer(host, answer)
		return &Error{Image: image, Text: text, cause: cause}
	}
	if unresolved, ok := errors.AsType[*credentialsError](err); ok {
		return &Error{Image: image, Text: fmt.Sprintf("the credentials for %s cannot be read (%s); try docker login %s", host, c.transport.scrub(unresolved.text), host)}
	}
	if isNetwork(err) {
		return &Error{Image: image, Text: fmt.Sprintf("%s cannot be reached: %s; check its name and the network", host, c.transport.scrub(oneLine(reason(err))))}
	}
	return &Error{Image: image, Text: "unexpected answer of the registry: " + c.transport.scrub(oneLine(reason(err)))}
}

// answer says what an answer of a registry means.
func (c *Client) answer(host string, a *transport.Error) (text string, cause error) {
	status := fmt.Sprintf("%d %s", a.StatusCode, http.StatusText(a.StatusCode))
	switch code := a.StatusCode; {
	case code == http.StatusNotFound:
		return ErrNotFound.Error() + "; check the name, or push it first", ErrNotFound
	case code == http.StatusUnauthorized:
		return fmt.Sprintf("%s requires authentication (%s); log in with docker login %s, or check the name", host, status, host), nil
	case code == http.StatusForbidden:
		return fmt.Sprintf("%s denies access (%s)%s; check the permissions of the account of docker login %s", host, status, c.said(a), host), nil
	case code == http.StatusTooManyRequests:
		return fmt.Sprintf("%s rate limits requests (%s); wait, or docker login %s for a higher limit", host, status, host), nil
	case transientStatus(code):
		return fmt.Sprintf("%s answers %s repeatedly%s; try again later", host, status, c.said(a)), nil
	default:
		return fmt.Sprintf("%s answers %s%s", host, status, c.said(a)), nil
	}
}

// said is what a registry gives as its reasons.
func (c *Client) said(a *transport.Error) string {
	var reasons []string
	for _, d := range a.Errors {
		reasons = append(reasons, strings.TrimSuffix(string(d.Code)+": "+d.Message, ": "))
	}
	if len(reasons) == 0 {
		return ""
	}
	return ": " + c.transport.scrub(oneLine(strings.Join(reasons, "; ")))
}

// reason is an error without the address that it is about, which may have
// secrets.
func reason(err error) string {
	if failed, ok := errors.AsType[*networkError](err); ok {
		return failed.Error()
	}
	var address *url.Error
	for errors.As(err, &address) {
		err = address.Err
	}
	return err.Error()
}

func isNetwork(err error) bool {
	var failed *networkError
	return errors.As(err, &failed)
}

// oneLine makes text of somebody else safe to show.
func oneLine(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, s)
	const longest = 300
	if len(s) > longest {
		s = strings.ToValidUTF8(s[:longest], "") + "…"
	}
	return s
}

// hostOf is the registry of an image, as docker login wants it.
func hostOf(image string) string {
	repo, err := name.NewRepository(RepositoryOf(image))
	if err != nil {
		return image
	}
	if host := repo.RegistryStr(); host != name.DefaultRegistry {
		return host
	}
	return "docker.io"
}

// keychain finds credentials; what goes wrong is told without what helpers
// printed, which may be a secret.
type keychain struct{ inner authn.Keychain }

type credentialsError struct{ text string }

func (e *credentialsError) Error() string { return e.text }

// Resolve finds the credentials of a registry.
func (k keychain) Resolve(target authn.Resource) (authn.Authenticator, error) {
	auth, err := k.inner.Resolve(target)
	if err != nil {
		text, _, _ := strings.Cut(err.Error(), ", out:")
		return nil, &credentialsError{oneLine(text)}
	}
	return auth, nil
}
