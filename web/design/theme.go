package design

import (
	"encoding/hex"
	"fmt"
	"math"
	"strings"
)

// colour is one of the sRGB colour space, each part from 0 to 1.
type colour [3]float64

var (
	white = colour{1, 1, 1}
	black = colour{}
)

// grounds are the colours that an app's colour stands on, as style.css has
// them: the ones that ask the most of it come first.
var (
	lightGround = colour{0xf5 / 255.0, 0xf4 / 255.0, 0xef / 255.0}
	darkSurface = colour{0x1a / 255.0, 0x21 / 255.0, 0x1f / 255.0}
)

// readable is the contrast that WCAG 2.2 asks of text (1.4.3): 4.5, and a little
// that rounding to eight bits may take away.
const readable = 4.55

// Theme is a stylesheet that gives the pages an app's colour, written as
// #rrggbb. Where the colour cannot be read on our grounds it is made darker,
// or in the dark scheme lighter, until it can.
func Theme(hexColour string) (File, error) {
	c, err := parseColour(hexColour)
	if err != nil {
		return File{}, err
	}
	light, lightTint := readableOn(c, lightGround, black)
	dark, darkTint := readableOn(c, darkSurface, white)
	var b strings.Builder
	fmt.Fprintf(&b, ":root {\n%s}\n", scheme(c, light, lightTint, black))
	fmt.Fprintf(&b, "@media (prefers-color-scheme: dark) {\n:root {\n%s}\n}\n", scheme(dark, dark, darkTint, white))
	return newFile([]byte(b.String()), "text/css; charset=utf-8"), nil
}

// scheme writes the tokens of style.css: a button may have the app's very
// colour, with the text on it that can be read best; text needs one that can
// be read on our grounds.
func scheme(button, text, tint, towards colour) string {
	on := white
	if contrast(button, black) > contrast(button, white) {
		on = black
	}
	strong := button.mix(towards, 0.2)
	if contrast(strong, on) < readable {
		strong = button.mix(opposite(on), 0.2)
	}
	return fmt.Sprintf("--accent: %s;\n--accent-strong: %s;\n--button: %s;\n--button-strong: %s;\n--on-button: %s;\n--tint: %s;\n",
		text, text.mix(towards, 0.2), button, strong, on, tint)
}

func opposite(c colour) colour {
	if c == white {
		return black
	}
	return white
}

// readableOn moves c towards another colour until it can be read on ground
// and on a tint of itself, which comes with it.
func readableOn(c, ground, towards colour) (text, tint colour) {
	for share := 0.0; ; share += 0.02 {
		text = c.mix(towards, math.Min(share, 1))
		tint = ground.mix(text, 0.1)
		if contrast(text, ground) >= readable && contrast(text, tint) >= readable || share >= 1 {
			return text, tint
		}
	}
}

func parseColour(s string) (colour, error) {
	digits, ok := strings.CutPrefix(s, "#")
	raw, err := hex.DecodeString(digits)
	if !ok || err != nil || len(raw) != 3 {
		return colour{}, fmt.Errorf("a colour is written as #rrggbb, in hex")
	}
	return colour{float64(raw[0]) / 255, float64(raw[1]) / 255, float64(raw[2]) / 255}, nil
}

func (c colour) String() string {
	return fmt.Sprintf("#%02x%02x%02x", int(math.Round(c[0]*255)), int(math.Round(c[1]*255)), int(math.Round(c[2]*255)))
}

// mix is c with a share of another colour.
func (c colour) mix(other colour, share float64) colour {
	for i := range c {
		c[i] += (other[i] - c[i]) * share
	}
	return c
}

// contrast is the ratio of WCAG 2.2, from 1 to 21.
func contrast(a, b colour) float64 {
	la, lb := a.luminance(), b.luminance()
	return (math.Max(la, lb) + 0.05) / (math.Min(la, lb) + 0.05)
}

// luminance is the relative luminance of WCAG 2.2.
func (c colour) luminance() float64 {
	linear := func(v float64) float64 {
		if v <= 0.04045 {
			return v / 12.92
		}
		return math.Pow((v+0.055)/1.055, 2.4)
	}
	return 0.2126*linear(c[0]) + 0.7152*linear(c[1]) + 0.0722*linear(c[2])
}
