package proof

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"flag"
	"os"
	"strconv"
	"testing"

	"pgregory.net/rapid"
)

var update = flag.Bool("update", false, "write the golden vectors anew")

// The leaves and roots that implementations of RFC 6962 share.
var (
	ctLeaves = []string{
		"", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f",
	}
	ctRoots = []string{
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
		"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
		"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
		"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
		"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
		"4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
		"76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
		"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
		"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
	}
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestCertificateTransparencyVectors(t *testing.T) {
	t.Parallel()
	var f Frontier
	for n, want := range ctRoots {
		if n > 0 {
			f.Add(LeafHash(unhex(t, ctLeaves[n-1])))
		}
		if got := f.Root().String(); got != want || f.Size() != uint64(n) {
			t.Errorf("root of %d leaves is %s, want %s", n, got, want)
		}
	}
}

func TestGoldenRoots(t *testing.T) {
	t.Parallel()
	got := map[string]string{
		"leaf_of_{}":           LeafHash([]byte("{}")).String(),
		"node_of_leaves_{}_{}": NodeHash(LeafHash([]byte("{}")), LeafHash([]byte("{}"))).String(),
	}
	var f Frontier
	for n := range ctRoots {
		got["root_"+strconv.Itoa(n)] = f.Root().String()
		if n < len(ctLeaves) {
			f.Add(LeafHash(unhex(t, ctLeaves[n])))
		}
	}
	b, err := json.MarshalIndent(got, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	b = append(b, '\n')
	const path = "testdata/tree.json"
	if *update {
		if err := os.WriteFile(path, b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(b, want) {
		t.Errorf("the tree's hashes changed; every proof given before is void\n%s", b)
	}
}

// recursive is the definition in RFC 6962 §2.1, word for word.
func recursive(leaves [][]byte) [sha256.Size]byte {
	switch n := len(leaves); n {
	case 0:
		return sha256.Sum256(nil)
	case 1:
		return sha256.Sum256(append([]byte{0}, leaves[0]...))
	default:
		k := 1
		for k*2 < n {
			k *= 2
		}
		left, right := recursive(leaves[:k]), recursive(leaves[k:])
		return sha256.Sum256(append(append([]byte{1}, left[:]...), right[:]...))
	}
}

func TestFrontierIsTheDefinition(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		leaves := rapid.SliceOfN(rapid.SliceOfN(rapid.Byte(), 0, 40), 0, 70).Draw(t, "leaves")
		var f Frontier
		for i, l := range leaves {
			if got, want := f.Root(), recursive(leaves[:i]); got != want {
				t.Fatalf("root of %d leaves is %s, want %x", i, got, want)
			}
			f.Add(LeafHash(l))
		}
		if got, want := f.Root(), recursive(leaves); got != want || f.Size() != uint64(len(leaves)) {
			t.Fatalf("root of %d leaves is %s, want %x", len(leaves), got, want)
		}
	})
}

func TestEachByteAndItsPlaceMatter(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		leaves := rapid.SliceOfN(rapid.SliceOfN(rapid.Byte(), 1, 20), 2, 20).Draw(t, "leaves")
		root := rootOf(leaves)
		i := rapid.IntRange(0, len(leaves)-1).Draw(t, "leaf")
		at := rapid.IntRange(0, len(leaves[i])-1).Draw(t, "byte")
		leaves[i][at] ^= 1
		if rootOf(leaves) == root {
			t.Fatal("an edited fact keeps the root")
		}
		leaves[i][at] ^= 1
		if rootOf(leaves[:len(leaves)-1]) == root {
			t.Fatal("a shortened log keeps the root")
		}
		if j := rapid.IntRange(0, len(leaves)-1).Draw(t, "other"); !bytes.Equal(leaves[i], leaves[j]) {
			leaves[i], leaves[j] = leaves[j], leaves[i]
			if rootOf(leaves) == root {
				t.Fatal("reordered facts keep the root")
			}
		}
	})
}

func rootOf(leaves [][]byte) Hash {
	var f Frontier
	for _, l := range leaves {
		f.Add(LeafHash(l))
	}
	return f.Root()
}

func TestALeafIsNoNode(t *testing.T) {
	t.Parallel()
	a, b := LeafHash([]byte("a")), LeafHash([]byte("b"))
	if LeafHash(append(a[:], b[:]...)) == NodeHash(a, b) {
		t.Error("a fact can pass for a node")
	}
	if EmptyRoot() == LeafHash(nil) {
		t.Error("an empty log has the root of an empty fact")
	}
}

func TestACopyIsASnapshot(t *testing.T) {
	t.Parallel()
	var f Frontier
	for range 5 {
		f.Add(LeafHash([]byte("x")))
	}
	before, root := f, f.Root()
	f.Add(LeafHash([]byte("y")))
	if before.Root() != root || before.Size() != 5 || f.Root() == root {
		t.Error("adding to a frontier changed its copy")
	}
}

func BenchmarkAdd400Bytes(b *testing.B) {
	fact := bytes.Repeat([]byte("x"), 400)
	var f Frontier
	b.ReportAllocs()
	for b.Loop() {
		f.Add(LeafHash(fact))
	}
}
