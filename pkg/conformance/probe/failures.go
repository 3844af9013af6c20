package probe

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// fails asks for a failure, whose text must reach the caller.
func fails(ctx context.Context, c *client, how, text string) error {
	a, err := c.do(ctx, how, nil, "", 0)
	if err != nil {
		return err
	}
	if err := c.refuse(a, http.StatusInternalServerError); err != nil {
		return err
	}
	if object, err := a.object(); err != nil || !strings.Contains(fmt.Sprint(object["message"]), text) {
		return wanted("a message with: "+text, "%v", a)
	}
	return nil
}

// patience is how long a server may take to end a request whose timeout is a
// second.
const patience = 10 * time.Second

func timesOut(ctx context.Context, c *client) error {
	impatient := newClient(c.url, c.key, c.path, c.file, min(patience, c.timeout))
	a, err := impatient.do(ctx, "never", nil, "", 1)
	if err != nil {
		return err
	}
	return c.refuse(a, http.StatusInternalServerError)
}

// emptyFile is a file in which there is no function.
const emptyFile = "runbake-empty"

func missing(ctx context.Context, c *client, compiled bool, name string) error {
	if compiled {
		return notRun("a compiled runtime has one function, whatever file is asked for")
	}
	extension := ""
	if i := strings.LastIndexByte(c.file, '.'); i >= 0 {
		extension = c.file[i:]
	}
	a, err := c.call(ctx, "the file "+name+extension, call{File: name + extension})
	if err != nil {
		return err
	}
	return c.refuse(a, http.StatusNotFound)
}

// errorObjects checks all refusals so far: nothing but the two fields.
func errorObjects(refused []answer) error {
	if len(refused) == 0 {
		return notRun("no request was refused")
	}
	for _, a := range refused {
		if err := errorObject(a); err != nil {
			return err
		}
	}
	return nil
}

// errorObject checks the body of an error.
func errorObject(a answer) error {
	object, err := a.object()
	_, text := object["message"].(string)
	if err != nil || len(object) != 2 || !text || object["code"] != float64(a.status) || a.kind != "application/json" {
		return wanted(fmt.Sprintf(`application/json: {"code": %d, "message": "…"} for %s`, a.status, a.what), "%v", a)
	}
	return nil
}
