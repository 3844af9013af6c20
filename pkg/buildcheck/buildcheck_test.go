package buildcheck_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/runbake/runbake/pkg/buildcheck"
)

// TestCheck breaks each rule, and one build.
func TestCheck(t *testing.T) {
	cases := []struct{ src, want string }{
		{"FROM debian:12\nRUN true\n", ""},
		{"FROM debian:12 AS Build\n", "StageNameCasing 1-1"},
		{"FROM debian:12 as build\n", "FromAsCasing 1-1"},
		{"FROM debian:12\nRUN a \\\n\n  b\n", "NoEmptyContinuation 4-4"},
		{"FROM debian:12\nrun true\n", "ConsistentInstructionCasing 2-2"},
		{"FROM debian:12 AS a\nFROM debian:12 AS a\n", "DuplicateStageName 2-2"},
		{"FROM debian:12 AS scratch\n", "ReservedStageName 1-1"},
		{"FROM debian:12\nCMD a b\n", "JSONArgsRecommended 2-2"},
		{"FROM debian:12\nMAINTAINER me\n", "MaintainerDeprecated 2-2"},
		{"FROM debian:${V}\n", "InvalidDefaultArgInFrom 1-1 UndefinedArgInFrom 1-1 error 1-1"},
		{"FROM debian:12\nWORKDIR a\n", "WorkdirRelativePath 2-2"},
		{"FROM debian:12\nARG VERSION=1\nENV A=$VERSON\n", "UndefinedVar 3-3"},
		{"FROM golang:1\nENV A=$GOPATH\n", ""},
		{"FROM debian:12\nCMD [\"a\"]\nCMD [\"b\"]\n", "MultipleInstructionsDisallowed 2-2"},
		{"FROM debian:12\nENV A b\n", "LegacyKeyValueFormat 2-2"},
		{"FROM --platform=$TARGETPLATFORM debian:12\n", "RedundantTargetPlatform 1-1"},
		{"FROM debian:12\nENV PASSWORD=x\n", "SecretsUsedInArgOrEnv 2-2"},
		{"ARG BASE\nFROM $BASE\n", "InvalidDefaultArgInFrom 2-2"},
		{"FROM --platform=linux/arm64 debian:12\n", "FromPlatformFlagConstDisallowed 1-1"},
		{"FROM debian:12\nEXPOSE 80/TCP\n", "ExposeProtoCasing 2-2"},
		{"FROM debian:12\nEXPOSE 127.0.0.1:80:80\n", "ExposeInvalidFormat 2-2"},
		{"# check=skip=StageNameCasing\nFROM debian:12 AS Build\n", ""},
		{"FROM debian:12\nCOPY --from=common a /a\n", ""},
		{"FROM debian:12\nRUN --mount=type=nonsense true\n", "error 2-2"},
	}
	for _, c := range cases {
		t.Run(c.src, func(t *testing.T) {
			findings, failure := buildcheck.Check(t.Context(), []byte(c.src),
				buildcheck.Options{Args: map[string]string{"BASE": "debian:12"}, Platform: "linux/amd64"})
			var got []string
			for _, f := range findings {
				got = append(got, fmt.Sprintf("%s %d-%d", f.Rule, f.First, f.Last))
				if !strings.HasPrefix(f.URL, "https://docs.docker.com/") || f.Detail == "" {
					t.Errorf("%+v says too little", f)
				}
			}
			if failure != nil {
				got = append(got, fmt.Sprintf("error %d-%d", failure.First, failure.Last))
			}
			if strings.Join(got, " ") != c.want {
				t.Errorf("got %q, want %q (%v)", strings.Join(got, " "), c.want, failure)
			}
		})
	}
}

func TestRules(t *testing.T) {
	for _, r := range buildcheck.Rules() {
		if r.ID == "" || r.What == "" || !strings.HasPrefix(r.URL, "https://docs.docker.com/go/dockerfile/rule/") {
			t.Errorf("%+v says too little", r)
		}
	}
}
