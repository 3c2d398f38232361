<?php
// Two services on PHP's own SoapServer: /rpc keeps to rpc.wsdl (rpc/encoded), /document to the road agency's WSDL (document/literal).
// GET /held shows what the document service holds, DELETE /held forgets it: for the tests, no part of SOAP. State is a file, each request is a process of its own.

const HELD = 'held.json';

final class Permits
{
    public function create($externalId, $text, $kind, $urgent, $createdAt, $place, $photo): array
    {
        if ($kind === 'fault') {
            throw new SoapFault('Server', 'ORA-12899: value <too> large & wide');
        }
        $heard = ['externalId' => $externalId, 'text' => $text, 'kind' => $kind, 'urgent' => $urgent, 'createdAt' => $createdAt];
        $heard += ['place' => (array) $place, 'photo' => hash('sha256', $photo)];
        return ['code' => 0, 'number' => 'PHP-1', 'heard' => json_encode($heard, JSON_UNESCAPED_UNICODE)];
    }

    public function changes($count): array
    {
        $office = new stdClass();
        $office->name = 'Контора «Юг»';
        // The same object in every change: the encoding writes it once and refers to it.
        $change = fn (int $at) => (object) ['number' => "PHP-$at", 'state' => '2', 'office' => $office];
        return $count > 0 ? array_map($change, range(1, $count)) : [];
    }
}

final class Cases
{
    private array $cases;

    public function __construct()
    {
        $this->cases = held();
    }

    /** The header of the same name; PHP calls it before the operation. */
    public function Security($header): void
    {
        $token = $header->UsernameToken;
        $proof = base64_encode(sha1(base64_decode($token->Nonce) . $token->Created . getenv('STACK_PASSWORD'), true));
        if ($token->Username !== getenv('STACK_USER') || !hash_equals($proof, (string) $token->Password)) {
            throw new SoapFault('Client.FailedAuthentication', 'The security token could not be authenticated');
        }
    }

    public function CreateCase($given): array
    {
        foreach ($this->cases as $number => $kept) {
            if ($kept['given']['ExternalId'] === $given->case->ExternalId) {
                return ['CreateCaseResult' => ['Code' => '17', 'Message' => 'exists', 'CaseNumber' => $number]];
            }
        }
        $number = sprintf('PHP-%06d', count($this->cases) + 1);
        $this->cases[$number] = ['number' => $number, 'given' => (array) $given->case, 'photos' => []];
        $this->keep();
        return ['CreateCaseResult' => ['Code' => '0', 'Message' => 'Accepted', 'CaseNumber' => $number]];
    }

    public function AddPhoto($given): array
    {
        $photo = ['name' => $given->FileName, 'sha256' => hash('sha256', $given->Content)];
        $this->cases[$given->CaseNumber]['photos'][] = $photo;
        $this->keep();
        return ['AddPhotoResult' => ['Code' => '0', 'Message' => 'added']];
    }

    public function GetChanges($given): array
    {
        $change = fn (array $kept) => ['CaseNumber' => $kept['number'], 'State' => '1', 'ChangedAt' => '2026-03-02T09:15:07'];
        return ['GetChangesResult' => ['Change' => array_map($change, array_values($this->cases))]];
    }

    private function keep(): void
    {
        file_put_contents(HELD, json_encode($this->cases, JSON_UNESCAPED_UNICODE));
    }
}

function held(): array
{
    return is_file(HELD) ? json_decode(file_get_contents(HELD), true) : [];
}

$path = parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH);
if ($path === '/held') {
    if ($_SERVER['REQUEST_METHOD'] === 'DELETE' && is_file(HELD)) {
        unlink(HELD);
    }
    header('Content-Type: application/json');
    echo json_encode(array_values(held()), JSON_UNESCAPED_UNICODE);
    return;
}
$isRpc = $path === '/rpc';
$server = new SoapServer($isRpc ? __DIR__ . '/rpc.wsdl' : getenv('STACK_WSDL'), ['cache_wsdl' => WSDL_CACHE_NONE, 'encoding' => 'UTF-8']);
$server->setClass($isRpc ? Permits::class : Cases::class);
$server->handle();
