/**
 * The server's certificate: made at the first start, kept after that, so that clients can pin it. The key file is
 * readable by its owner alone.
 */
import { X509Certificate } from "node:crypto";
import { mkdir, open, readFile, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { createSecureContext } from "node:tls";
import { ServerError, systemCode } from "./errors.js";
import type { Logger } from "./logger.js";

export interface ServerCertificate {
  readonly certificatePem: string;
  readonly privateKeyPem: string;
  /** SHA-256 over the DER encoding, upper-case hex pairs joined by colons. */
  readonly fingerprint: string;
  /** Whether this start made it. */
  readonly created: boolean;
}

export interface CertificateFiles {
  readonly certFile: string;
  readonly keyFile: string;
}

/** Makes a self-signed certificate for the names; the addon's by default. */
export type CertificateMaker = (
  names: readonly string[],
) => Promise<{ readonly certificatePem: string; readonly privateKeyPem: string }>;

const LIFETIME_DAYS = 3650;
const LOCAL_NAMES = ["localhost", "127.0.0.1", "::1"];

/** Loads the addon only when a certificate must be made: a server with its own files runs without it. */
const makeWithAddon: CertificateMaker = async (names) => {
  const { native } = await import("../../native/addon.js");
  const { certificatePem, privateKeyPem } = native.Certificate.generate({
    commonName: "RoomRTC server",
    days: LIFETIME_DAYS,
    subjectAltNames: names,
  });
  return { certificatePem, privateKeyPem };
};

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (systemCode(error) === "ENOENT") return undefined;
    throw new ServerError("CERTIFICATE_INVALID", `cannot read ${path}: ${systemCode(error)}`, {
      cause: error,
    });
  }
}

async function writeNew(path: string, content: string, mode: number): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const file = await open(path, "wx", mode);
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
  } catch (error) {
    throw new ServerError("CERTIFICATE_UNWRITABLE", `cannot write ${path}: ${systemCode(error)}`, {
      cause: error,
    });
  }
}

async function create(
  files: CertificateFiles,
  host: string,
  serverName: string,
  make: CertificateMaker,
): Promise<[string, string]> {
  const extra = /^[0-9.]+$|:/.test(host) && host !== "0.0.0.0" && host !== "::" ? [host] : [];
  const own = serverName === "" ? [] : [serverName];
  const names = [...new Set([...own, ...LOCAL_NAMES, ...extra])];
  const { certificatePem, privateKeyPem } = await make(names);
  await writeNew(files.keyFile, privateKeyPem, 0o600);
  try {
    await writeNew(files.certFile, certificatePem, 0o644);
  } catch (error) {
    await rm(files.keyFile, { force: true });
    throw error;
  }
  return [certificatePem, privateKeyPem];
}

function check(certificatePem: string, privateKeyPem: string, files: CertificateFiles): X509Certificate {
  try {
    createSecureContext({ cert: certificatePem, key: privateKeyPem });
    return new X509Certificate(certificatePem);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    const text = `${files.certFile} and ${files.keyFile} are no certificate with its key: ${why}`;
    throw new ServerError("CERTIFICATE_INVALID", text, { cause: error });
  }
}

async function warnAboutFiles(x509: X509Certificate, files: CertificateFiles, logger: Logger): Promise<void> {
  const { mode } = await stat(files.keyFile);
  if ((mode & 0o077) !== 0) {
    logger.warn(
      { file: files.keyFile, mode: (mode & 0o777).toString(8) },
      "others can read the key; chmod 600 it",
    );
  }
  if (Date.parse(x509.validTo) < Date.now()) {
    logger.warn(
      { file: files.certFile, validTo: x509.validTo },
      "the certificate has expired; remove both files to make a new one",
    );
  }
}

/** Reads the certificate, or makes and writes one when neither file is there. Throws {@link ServerError}. */
export async function loadOrCreateCertificate(
  files: CertificateFiles,
  { host, serverName }: { readonly host: string; readonly serverName: string },
  logger: Logger,
  make: CertificateMaker = makeWithAddon,
): Promise<ServerCertificate> {
  let certificatePem = await readIfThere(files.certFile);
  let privateKeyPem = await readIfThere(files.keyFile);
  const created = certificatePem === undefined && privateKeyPem === undefined;
  if (created) [certificatePem, privateKeyPem] = await create(files, host, serverName, make);
  if (certificatePem === undefined || privateKeyPem === undefined) {
    const [there, missing] =
      certificatePem === undefined ? [files.keyFile, files.certFile] : [files.certFile, files.keyFile];
    const text = `${there} is there but ${missing} is not; bring it back, or remove both to make new ones`;
    throw new ServerError("CERTIFICATE_INCOMPLETE", text);
  }
  const x509 = check(certificatePem, privateKeyPem, files);
  await warnAboutFiles(x509, files, logger);
  return { certificatePem, privateKeyPem, fingerprint: x509.fingerprint256, created };
}
