package main

import (
	"encoding/json"
	"fmt"
	"sync"
)

// Request is what a function is given.
type Request struct {
	Env     map[string]any
	Headers map[string]any
	Payload string
}

// Response takes the answer of a function. The first one counts.
type Response struct {
	once   sync.Once
	done   chan struct{}
	status int
	kind   string
	body   []byte
}

func newResponse() *Response {
	return &Response{done: make(chan struct{})}
}

// Send answers with text. The status is 200 unless given.
func (r *Response) Send(text string, status ...int) {
	r.finish(one(status), "text/plain; charset=utf-8", []byte(text))
}

// JSON answers with a value as JSON. The status is 200 unless given. It panics,
// which fails the request, when there is no JSON for the value.
func (r *Response) JSON(value any, status ...int) {
	body, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	r.finish(one(status), "application/json", body)
}

func (r *Response) fail(code int, message string) {
	r.finish(code, "application/json", errorObject(code, message))
}

func (r *Response) finish(status int, kind string, body []byte) {
	r.once.Do(func() {
		r.status, r.kind, r.body = status, kind, body
		close(r.done)
	})
}

func one(status []int) int {
	if len(status) == 0 {
		return 200
	}
	if status[0] < 200 || status[0] > 599 {
		panic(fmt.Sprintf("status code %d is not between 200 and 599", status[0]))
	}
	return status[0]
}

func errorObject(code int, message string) []byte {
	body, err := json.Marshal(struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
	}{code, message})
	if err != nil {
		panic(err) // a number and a string
	}
	return body
}
