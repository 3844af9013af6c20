package catalogue

import (
	"fmt"
	"path"
	"runtime"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"golang.org/x/sync/errgroup"

	"github.com/runbake/runbake/pkg/dockerfile"
)

// parseDockerfiles reads the Dockerfiles of all versions, each once.
func (r *resolver) parseDockerfiles() {
	type parsed struct {
		file  *dockerfile.File
		diags hcl.Diagnostics
	}
	files := map[string]*parsed{}
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for _, s := range r.scopes {
		name := s.version.DockerfilePath()
		if _, known := files[name]; known || name == "" {
			continue
		}
		p := &parsed{}
		files[name] = p
		group.Go(func() error {
			if src, err := dockerfile.Read(r.fsys, name); err == nil { // else paths has reported it
				p.file, p.diags = dockerfile.Parse(name, src)
			}
			return nil
		})
	}
	_ = group.Wait() // nothing above fails: problems are diagnostics
	for name, p := range files {
		r.diags = append(r.diags, p.diags...) // sorted in the end
		if !p.diags.HasErrors() {
			r.dockerfiles[name] = p.file
		}
	}
}

// DockerfilePath is where the Dockerfile is, from the root; "" when the repository
// has none.
func (v *Version) DockerfilePath() string {
	if v.Dockerfile == "" || v.Remote() {
		return ""
	}
	return path.Join(v.Context, v.Dockerfile)
}

// followDockerfiles asks every Dockerfile what a version takes and runs. No
// answer depends on another. A single one costs less than handing it on does.
func (r *resolver) followDockerfiles() {
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for some := range slices.Chunk(r.scopes, 32) {
		group.Go(func() error {
			for _, s := range some {
				s.follow()
			}
			return nil
		})
	}
	_ = group.Wait() // nothing above fails: problems are diagnostics
}

func (s *scope) follow() {
	if s.file == nil {
		return
	}
	v := s.version
	s.used, s.diags = s.file.Images(v.Stage, v.Args, v.Platforms)
	if !s.diags.HasErrors() {
		v.Entrypoint, v.Command = s.file.Start(v.Stage, v.Args)
		s.asks = s.file.Asks(v.Stage, v.Args, v.Platforms)
		v.Stages = s.file.Stages(v.Stage, v.Args, v.Platforms)
	}
}

// followTriggers asks again where an image of this repository that is built on
// leaves instructions to what is built on it: ONBUILD.
func (r *resolver) followTriggers() {
	triggers := map[string][]string{} // by image
	for _, s := range r.scopes {
		if s.file == nil {
			continue
		}
		if left := s.file.Triggers(s.version.Stage); len(left) > 0 {
			for name, v := range r.byRef {
				if v == s.version {
					triggers[name] = left
				}
			}
		}
	}
	for _, s := range r.scopes {
		if s.file == nil {
			continue
		}
		own := map[string][]string{}
		for _, u := range s.used {
			ref := u.Ref
			if context, named := s.version.Contexts[dockerfile.ContextName(ref)]; named {
				ref = imageOf(context)
			}
			if left := triggers[r.canonical(ref)]; left != nil {
				own[u.Ref] = left
			}
		}
		if len(own) > 0 {
			s.file = s.file.With(own)
			s.follow()
		}
	}
}

// images sorts what the build takes into images of others and images of this
// repository.
func (r *resolver) images(s *scope) {
	v := s.version
	r.diags = append(r.diags, s.diags...)
	for _, image := range r.taken(s) {
		if own := r.byRef[image.Name]; own != nil && !image.Syntax { // BuildKit asks a registry for that
			v.Needs = append(v.Needs, Need{Image: image, Version: own})
			continue
		}
		v.Bases = append(v.Bases, image)
	}
	if s.diags.HasErrors() {
		return
	}
	r.asked(s)
	if s.file == nil {
		return
	}
	for _, f := range s.from {
		taken := slices.ContainsFunc(s.used, func(u dockerfile.Image) bool { return u.Ref == f.value })
		if taken {
			r.fineFor(f.key.Range, "from")
		} else if slices.ContainsFunc(s.file.Args(), func(a dockerfile.Arg) bool { return a.Name == f.key.Value }) {
			r.warnOf(f.key.Range, "from", v.ID, func(string) (summary, detail string) {
				return fmt.Sprintf("Nothing is built from %q", f.value), fmt.Sprintf(
					"%s declares ARG %s but takes no image from it. Use it in FROM, or move it to args.", s.file.Name, f.key.Value)
			})
		}
	}
}

// taken are the images that a build takes, those of named contexts in the places
// of others.
func (r *resolver) taken(s *scope) []Image {
	if s.version.Remote() {
		return r.declared(s)
	}
	var images []Image
	for _, u := range s.used {
		if !u.Syntax {
			images = append(images, r.contextImages(s, u)...)
		}
		if _, named := s.version.Contexts[dockerfile.ContextName(u.Ref)]; named && !u.Syntax {
			continue
		}
		if _, err := r.parseReference(u.Ref); err != nil {
			r.report(u.Range, fmt.Sprintf("Invalid image %q", u.Ref), fmt.Sprintf("Write [registry/]name[:tag] in lower case (%v).", err))
			continue
		}
		image := Image{
			Ref: u.Ref, Name: r.canonical(u.Ref), Context: dockerfile.ContextName(u.Ref),
			Arg: u.Arg, Root: u.Root, Syntax: u.Syntax, Range: u.Range,
			Platforms: u.Platforms, Machine: u.Machine, Cross: u.Cross,
		}
		if i := slices.IndexFunc(s.from, func(f entry) bool { return f.key.Value == u.Arg }); i >= 0 {
			image.Range = s.from[i].at
		}
		images = append(images, image)
	}
	return images
}
