// The client preset over the operations of the portal: typed documents, and the table of trusted documents beside them.
import { addTypenameSelectionDocumentTransform } from '@graphql-codegen/client-preset';

export default {
  schema: '../../../schema.graphql',
  documents: '../../../portal/operations/*.graphql',
  generates: {
    './dist/': {
      preset: 'client',
      presetConfig: { persistedDocuments: { hashAlgorithm: 'sha256' }, fragmentMasking: false },
      // Caches add __typename to what they send; with it in the documents the texts stay the same, and so do their ids.
      documentTransforms: [addTypenameSelectionDocumentTransform],
      config: {
        enumsAsTypes: true,
        useTypeImports: true,
        scalars: { Date: 'string', DateTime: 'string', Upload: 'File' },
        strictScalars: true,
      },
    },
  },
};
