"""An authority of the test's own, for venues that speak TLS.

    ca = Authority(folder)
    with Binance(1, "--tls", ca.issue("good")) as v:     # the host is given ca.path
        v.certificate(ca.issue("late", ends="200102000000Z"))
"""
import os
import subprocess

CONFIG = """[ca]
default_ca = here
[here]
dir = {folder}
database = {folder}/index
serial = {folder}/serial
new_certs_dir = {folder}
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
"""


class Authority:
    def __init__(self, folder, name="ca"):
        self.folder = os.path.join(folder, name)
        os.makedirs(self.folder)
        self.path, self.key = self.at("root.crt"), self.at("root.key")
        for file, text in (
            ("index", ""),
            ("serial", "01\n"),
            ("config", CONFIG.format(folder=self.folder)),
        ):
            with open(self.at(file), "w", encoding="ascii") as out:
                out.write(text)
        run("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
            "-days", "3650", "-subj", f"/CN={name} of a test", "-addext",
            "keyUsage=critical,keyCertSign", "-keyout", self.key, "-out", self.path)  # fmt: skip

    def at(self, file):
        return os.path.join(self.folder, file)

    def issue(self, name, host="IP:127.0.0.1", ends="20491231235959Z"):
        """The path of name.crt and name.key, less their endings."""
        path, request = self.at(name), self.at(name + ".csr")
        with open(path + ".ext", "w", encoding="ascii") as file:
            file.write(f"subjectAltName={host}\nbasicConstraints=CA:FALSE\n")
        run("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
            "-subj", f"/CN={name}", "-keyout", path + ".key", "-out", request)  # fmt: skip
        run("ca", "-batch", "-config", self.at("config"), "-notext", "-cert", self.path,
            "-keyfile", self.key, "-startdate", "20200101000000Z", "-enddate", ends,
            "-extfile", path + ".ext", "-in", request, "-out", path + ".crt")  # fmt: skip
        return path


def run(*words):
    done = subprocess.run(["openssl", *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"openssl {words[0]}: {done.stderr}")
